// The table of figures: measured here, beside the model, beside what was published, beside what the lab's native generator measured.

const NARROW = "\u202f";

/** A number as it is read, with its unit. @param {number} value @param {string} unit */
export function words(value, unit) {
    const size = Math.abs(value);
    const decimals = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2;
    const number = value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    if (unit === "x") return `${number} : 1`;
    return unit === "" ? number : `${number}${NARROW}${unit}`;
}

/** @param {HTMLElement} table @param {any[]} figures @param {Record<string, number> | null} measured @param {boolean} isOwn with the lesson's own settings */
export function fillTable(table, figures, measured, isOwn) {
    const body = table.querySelector("tbody");
    // What hasn't been run gives nothing away.
    body.replaceChildren(...figures.map((figure) => row(figure, measured?.[figure.figure], measured !== null, isOwn)));
}

function row(figure, measured, wasRun, isOwn) {
    const row = document.createElement("tr");
    row.dataset.figure = figure.figure;
    row.dataset.unit = figure.unit;
    const name = row.appendChild(document.createElement("th"));
    name.scope = "row";
    name.textContent = figure.label;
    const cell = (text, kind) => {
        const cell = row.appendChild(document.createElement("td"));
        cell.textContent = text;
        if (kind) cell.className = kind;
        return cell;
    };
    const value = (number) => (number === null || number === undefined ? "–" : words(number, figure.unit));
    if (!wasRun) {
        for (let column = 0; column < 4; column += 1) cell("…", "quiet");
        return row;
    }
    const hasRange = isOwn && figure.low !== null;
    if (Number.isFinite(measured)) row.dataset.measured = String(measured);
    if (hasRange) [row.dataset.low, row.dataset.high] = [String(figure.low), String(figure.high)];
    const isWithin = hasRange && measured >= figure.low && measured <= figure.high;
    const shown = cell(Number.isFinite(measured) ? value(measured) : "–", "measured");
    if (hasRange) {
        const verdict = shown.appendChild(document.createElement("span"));
        verdict.className = `verdict ${isWithin ? "good" : "bad"}`;
        verdict.textContent = isWithin ? "as foretold" : "not as foretold";
    }
    cell(isOwn ? range(figure, value) : "not for these settings");
    const published = cell(value(figure.published));
    if (figure.published !== null && figure.mark !== "read") published.append(` (${figure.mark})`);
    cell(value(figure.native));
    return row;
}

function range(figure, value) {
    if (figure.low === null) return "–";
    if (figure.low === figure.high) return `${value(figure.low)}, exactly`;
    const between = `${words(figure.low, "")} to ${value(figure.high)}`;
    return figure.predicted === null ? between : `${value(figure.predicted)} (${between})`;
}
