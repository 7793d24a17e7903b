// Ages as a histogram, with the median and the 99th percentile marked and said.

import { quantile } from "./ages.js";
import { Surface } from "./canvas.js";
import { put } from "./dom.js";
import { ms, plural } from "./format.js";

const BINS = 48;

export class Histogram {
    /**
     * @param {HTMLCanvasElement} canvas
     * @param {HTMLElement} words takes the figures as text
     * @param {import("./ages.js").Ages} ages
     * @param {import("./ages.js").Scale} scale
     */
    constructor(canvas, words, ages, scale) {
        Object.assign(this, { words, ages, scale });
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", "Histogram of the ages; the figures below say the same in words.");
        this.surface = new Surface(canvas, () => this.draw());
    }

    /** Made anew a few times a second, and not for each message. @returns {{least: number, median: number, p99: number, count: number}} */
    update() {
        const sorted = this.ages.sorted();
        this.median = quantile(sorted, 0.5);
        this.p99 = quantile(sorted, 0.99);
        const bins = new Float64Array(BINS);
        for (const age of sorted) bins[Math.min(BINS - 1, Math.max(0, Math.floor((age / this.scale.most) * BINS)))] += 1;
        this.bins = bins;
        const text = sorted.length === 0 ? "no message yet" : `median ${ms(this.median)} · p99 ${ms(this.p99)} · ${plural(this.ages.total, "message")}`;
        put(this.words, text);
        this.draw();
        return { least: sorted[0] ?? NaN, median: this.median, p99: this.p99, count: sorted.length };
    }

    draw() {
        const paint = this.surface?.clear();
        if (!paint || !this.bins) return;
        const { width, height, colours } = this.surface;
        const most = Math.max(1, ...this.bins);
        const floor = height - 1;
        paint.fillStyle = colours.own;
        for (let index = 0; index < BINS; index += 1) {
            const tall = (this.bins[index] / most) * (floor - 4);
            if (this.bins[index] > 0) paint.fillRect((index / BINS) * width, floor - Math.max(2, tall), width / BINS - 0.75, Math.max(2, tall));
        }
        paint.fillStyle = colours.rule;
        paint.fillRect(0, floor, width, 1);
        paint.strokeStyle = colours.ink;
        paint.lineWidth = 1.5;
        for (const [age, dash] of [[this.median, []], [this.p99, [3, 3]]]) {
            if (!Number.isFinite(age)) continue;
            const x = Math.min(width - 1, (age / this.scale.most) * width);
            paint.setLineDash(dash);
            paint.beginPath();
            paint.moveTo(x, 0);
            paint.lineTo(x, floor);
            paint.stroke();
        }
        paint.setLineDash([]);
    }

    close() {
        this.surface.close();
    }
}
