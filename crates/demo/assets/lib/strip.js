// Delivery age as a strip chart: a dot for each message, the newest at the right.

import { Surface } from "./canvas.js";
import { ms } from "./format.js";

const SECONDS = 30;
const EVERY_MS = 90;

export class Strip {
    /**
     * @param {HTMLCanvasElement} canvas
     * @param {import("./ages.js").Ages} ages
     * @param {import("./ages.js").Scale} scale
     * @param {import("./timeline.js").Timeline} timeline
     */
    constructor(canvas, ages, scale, timeline) {
        Object.assign(this, { ages, scale, timeline });
        this.drawn = 0;
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", "Age of each message over the last 30 seconds; the figures below say the same in words.");
        this.surface = new Surface(canvas, () => timeline.tell());
        this.end = timeline.draws(() => this.draw());
    }

    draw() {
        // It moves by a pixel in a tenth of a second: more often would only cost.
        const at = performance.now();
        if (at - this.drawn < EVERY_MS && !this.timeline.paused) return;
        this.drawn = at;
        const paint = this.surface.clear();
        if (!paint) return;
        const { width, height, colours, size, font } = this.surface;
        const now = this.timeline.end;
        const top = size * 0.7;
        const y = (age) => top + (height - top - 2) * (1 - Math.min(1, age / this.scale.most));
        paint.font = `${Math.round(size * 0.7)}px ${font}`;
        paint.textBaseline = "middle";
        paint.strokeStyle = colours.rule;
        paint.lineWidth = 1;
        for (const age of [0, this.scale.most / 2, this.scale.most]) {
            const at = Math.round(y(age)) + 0.5;
            paint.beginPath();
            paint.moveTo(0, at);
            paint.lineTo(width, at);
            paint.stroke();
        }
        paint.fillStyle = colours.own;
        const half = this.ages.count > 600 ? 1 : 1.75;
        this.ages.each((at, age) => {
            const x = width * (1 - (now - at) / (SECONDS * 1e6));
            if (x < 0) return false;
            if (x <= width + 2) paint.fillRect(x - half, y(age) - half, half * 2, half * 2);
        });
        const label = ms(this.scale.most);
        paint.fillStyle = colours.paper;
        paint.fillRect(0, top - size * 0.45, paint.measureText(label).width + 4, size * 0.9);
        paint.fillStyle = colours.quiet;
        paint.fillText(label, 0, top);
    }

    close() {
        this.end();
        this.surface.close();
    }
}
