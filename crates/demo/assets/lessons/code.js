// "Show me the code": the files that a page really runs, as they are.

/** @param {HTMLElement} place names them in data-files */
export function showCode(place) {
    for (const file of place.dataset.files.split(/\s+/).filter(Boolean)) {
        const details = place.appendChild(document.createElement("details"));
        const summary = details.appendChild(document.createElement("summary"));
        summary.textContent = file;
        details.addEventListener("toggle", () => load(details, file), { once: true });
    }
}

async function load(details, file) {
    const code = document.createElement("code");
    const block = details.appendChild(document.createElement("pre"));
    block.tabIndex = 0;
    block.setAttribute("role", "region");
    block.setAttribute("aria-label", file);
    block.append(code);
    try {
        const answer = await fetch(file);
        code.textContent = answer.ok ? await answer.text() : `${file}: ${answer.status}`;
    } catch (error) {
        code.textContent = `${file}: ${error.message}`;
    }
}
