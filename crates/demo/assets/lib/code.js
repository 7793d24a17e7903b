// "Show me the code": the text of a transport's module, as the browser runs it.

import { h } from "./dom.js";

let dialog = null;

/** @param {string} name a transport's name, or another module's */
export async function showCode(name) {
    dialog ??= build();
    const address = `/modules/${name}.js`;
    dialog.title.textContent = `${name}.js`;
    dialog.link.href = address;
    dialog.text.replaceChildren("Loading …");
    if (!dialog.box.open) dialog.box.showModal();
    try {
        const answer = await fetch(address);
        if (!answer.ok) throw new Error(`the server says ${answer.status}`);
        const source = await answer.text();
        dialog.text.replaceChildren(...lines(source));
        const parts = [...source.matchAll(/from "\.\/([\w-]+)\.js"/g)].map(([, part]) => part);
        dialog.parts.replaceChildren(...[...new Set(parts)].map((part) => h("button", { type: "button", text: `${part}.js`, click: () => showCode(part) })));
        dialog.text.parentElement.scrollTop = 0;
    } catch (error) {
        dialog.text.replaceChildren(`${address} can't be read: ${error.message}`);
    }
}

function build() {
    const title = h("h2", { id: "code-title" });
    const link = h("a", { text: "as a file", target: "_blank", rel: "noopener" });
    const text = h("code");
    const parts = h("span.row", { role: "group", "aria-label": "Modules that it is made of" });
    const close = h("button", { type: "button", text: "Close", click: () => box.close() });
    const box = h("dialog.source", { "aria-labelledby": "code-title" }, h("header", {}, title, parts, link, close), h("pre", { tabindex: 0, role: "region", "aria-label": "Source text" }, text));
    box.addEventListener("click", (event) => event.target === box && box.close());
    document.body.append(box);
    return { box, title, parts, link, text };
}

/** Comments are quiet: they are read second. */
function* lines(source) {
    let inside = false;
    for (const line of source.trimEnd().split("\n")) {
        const start = line.trimStart();
        const comment = inside || start.startsWith("//") || start.startsWith("/*");
        if (start.startsWith("/*")) inside = true;
        if (line.includes("*/")) inside = false;
        yield comment ? h("span.says", { text: `${line}\n` }) : `${line}\n`;
    }
}
