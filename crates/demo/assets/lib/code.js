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
        dialog.text.replaceChildren(...lines(await answer.text()));
    } catch (error) {
        dialog.text.replaceChildren(`${address} can't be read: ${error.message}`);
    }
}

function build() {
    const title = h("h2", { id: "code-title" });
    const link = h("a", { text: "alone", target: "_blank", rel: "noopener" });
    const text = h("code");
    const close = h("button", { type: "button", text: "Close", click: () => box.close() });
    const box = h("dialog.source", { "aria-labelledby": "code-title" }, h("header", {}, title, link, close), h("pre", { tabindex: 0, role: "region", "aria-label": "Source text" }, text));
    box.addEventListener("click", (event) => event.target === box && box.close());
    document.body.append(box);
    return { box, title, link, text };
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
