// Sliders with steps that are worth a stop, and the words that say where they stand.

import { put } from "./dom.js";

export class Knob {
    /**
     * @param {string} id of an `<input type="range" data-steps data-value>` with an `<output for>` in its label
     * @param {(value: number | null) => string} words
     * @param {() => void} moved
     */
    constructor(id, words, moved) {
        this.input = /** @type {HTMLInputElement} */ (document.getElementById(id));
        this.output = this.input.closest("label").querySelector("output");
        this.words = words;
        this.steps = this.input.dataset.steps.split(",").map((step) => (step === "none" ? null : Number(step)));
        Object.assign(this.input, { min: 0, max: this.steps.length - 1, step: 1 });
        this.value = this.input.dataset.value === "none" ? null : Number(this.input.dataset.value);
        this.input.addEventListener("input", () => {
            this.tell();
            moved();
        });
    }

    get value() {
        return this.steps[Number(this.input.value)];
    }

    /** The step that is nearest. */
    set value(value) {
        const far = (step) => (step === value ? 0 : step === null || value === null ? Infinity : Math.abs(step - value) + 1e-9);
        const best = this.steps.reduce((best, step, index) => (far(step) < far(this.steps[best]) ? index : best), 0);
        this.input.value = String(best);
        this.tell();
    }

    tell() {
        const words = this.words(this.value);
        put(this.output, words);
        this.input.setAttribute("aria-valuetext", words);
    }
}

/** Calls once it has been quiet for a while: a slider that is dragged says much. @param {() => void} call @param {number} ms */
export function settled(call, ms) {
    let timer = 0;
    return () => {
        clearTimeout(timer);
        timer = setTimeout(call, ms);
    };
}
