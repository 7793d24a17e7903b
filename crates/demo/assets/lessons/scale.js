// The scale of a guess: a marker that is dragged before the run, and beside it, afterwards, what was published, what the model says and what was measured.

import { words } from "/assets/lessons/table.js";

const SVG = "http://www.w3.org/2000/svg";
/** Where the axis begins, and how far from the right it ends: the style sheet knows both, for the input below it. */
const LEFT = 96;
const MARGIN = 24;
const ROWS = { guess: ["your guess", 22], published: ["published", 50], model: ["the model", 78], measured: ["measured", 106] };
const AXIS = 126;

export class Scale {
    /** @param {HTMLElement} svg @param {HTMLInputElement} input whose values are those of the scale, or its exponents of 10 @param {any} figure */
    constructor(svg, input, figure) {
        this.svg = svg;
        this.input = input;
        this.figure = figure;
        this.isLogarithmic = input.dataset.scale === "log";
        this.said = {};
        /** @type {Map<string, [number | null | undefined, [number, number] | undefined]>} what is marked, to draw it anew in another width */
        this.marks = new Map();
        new ResizeObserver(() => this.redraw()).observe(svg);
        this.redraw();
    }

    /** As wide as its place is, so that its text is as large as all other text. */
    redraw() {
        const width = Math.max(260, Math.round(this.svg.clientWidth));
        if (width === this.width) return;
        this.width = width;
        this.right = width - MARGIN;
        this.svg.setAttribute("viewBox", `0 0 ${width} ${AXIS + 26}`);
        this.svg.replaceChildren();
        this.axis();
        for (const name of Object.keys(ROWS)) this.row(name);
        for (const [name, [value, range]] of this.marks) this.mark(name, value, range);
        this.describe();
    }

    /** @param {HTMLInputElement} input */
    valueOf(input) {
        const value = Number(input.value);
        return this.isLogarithmic ? Number((10 ** value).toPrecision(2)) : value;
    }

    /** @param {number} value */
    x(value) {
        const [least, most] = [Number(this.input.min), Number(this.input.max)];
        const place = this.isLogarithmic ? Math.log10(Math.max(value, 1e-9)) : value;
        return LEFT + (Math.min(Math.max((place - least) / (most - least), 0), 1)) * (this.right - LEFT);
    }

    axis() {
        this.draw(this.svg, "line", { x1: LEFT, x2: this.right, y1: AXIS, y2: AXIS, class: "axis" });
        const [least, most] = [Number(this.input.min), Number(this.input.max)];
        const choices = (most - least) / Number(this.input.step);
        const steps = this.isLogarithmic ? most - least : choices <= 8 ? choices : this.width > 460 ? 4 : 2;
        for (let step = 0; step <= steps; step += 1) {
            const place = least + ((most - least) * step) / steps;
            const value = this.isLogarithmic ? 10 ** place : place;
            const x = this.x(value);
            this.draw(this.svg, "line", { x1: x, x2: x, y1: AXIS, y2: AXIS + 5, class: "axis" });
            // The last one has the unit, and ends with the drawing.
            const spot = step === steps ? { x: this.width, "text-anchor": "end" } : { x, "text-anchor": "middle" };
            const text = this.draw(this.svg, "text", { ...spot, y: AXIS + 20, class: "tick" });
            text.textContent = words(value, step === steps ? this.figure.unit : "");
        }
    }

    row(name) {
        const [label, y] = ROWS[name];
        const text = this.draw(this.svg, "text", { x: 0, y: y + 4, class: "row" });
        text.textContent = label;
        this.draw(this.svg, "line", { x1: LEFT, x2: this.right, y1: y, y2: y, class: "guide" });
        this.draw(this.svg, "g", { "data-row": name });
    }

    /** Puts a mark on a row; null takes it away. @param {string} name @param {number | null | undefined} value @param {[number, number]} [range] */
    mark(name, value, range) {
        this.marks.set(name, [value, range]);
        const group = this.svg.querySelector(`[data-row="${name}"]`);
        group.replaceChildren();
        const y = ROWS[name][1];
        if (range) {
            const [from, to] = [this.x(range[0]), this.x(range[1])];
            this.draw(group, "rect", { x: from - 1, y: y - 7, width: Math.max(to - from, 1) + 2, height: 14, rx: 3, class: "range" });
        }
        if (value === null || value === undefined || !Number.isFinite(value)) {
            const text = this.draw(group, "text", { x: LEFT + 6, y: y + 4, class: "tick" });
            const said = range ? `${words(range[0], "")} to ${words(range[1], this.figure.unit)}` : "nothing";
            text.textContent = this.said[name] = name === "guess" ? "no guess" : said;
        } else {
            const x = this.x(value);
            this.draw(group, "circle", { cx: x, cy: y, r: 6, class: `mark ${name}` });
            const isRight = x > (LEFT + this.right) / 2;
            const edge = range ? this.x(isRight ? range[0] : range[1]) : x;
            const at = isRight ? Math.min(edge, x - 6) - 7 : Math.max(edge, x + 6) + 7;
            const text = this.draw(group, "text", { x: at, y: y + 4, class: "value", "text-anchor": isRight ? "end" : "start" });
            text.textContent = this.said[name] = words(value, this.figure.unit);
        }
        this.describe();
    }

    /** All that was hidden until now. @param {number} measured */
    reveal(measured) {
        const { published, predicted, low, high } = this.figure;
        this.mark("published", published);
        this.mark("model", predicted ?? undefined, low === null ? undefined : [low, high]);
        this.mark("measured", measured);
    }

    /** The same in words, for who doesn't see it. */
    describe() {
        const said = Object.entries(this.said).map(([name, value]) => `${ROWS[name][0]}: ${value}`);
        this.svg.setAttribute("aria-label", `${this.figure.label}. ${said.join(", ") || "Nothing is marked yet"}.`);
    }

    draw(parent, name, attributes) {
        const element = document.createElementNS(SVG, name);
        for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
        return parent.appendChild(element);
    }
}
