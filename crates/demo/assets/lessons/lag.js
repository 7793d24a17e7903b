// How late this page gets its turn: the measuring instrument measured. A timer that should ring every 20 ms tells by how much the page was held up.

const EVERY = 20;
/** Later than this and a figure of some tens of milliseconds is in doubt. */
const LATE = 10;

export class LagMeter {
    constructor() {
        this.lags = [];
        this.due = performance.now() + EVERY;
        this.hidden = document.hidden;
        this.watch = () => { this.hidden ||= document.hidden; };
        document.addEventListener("visibilitychange", this.watch);
        this.timer = setInterval(() => this.ring(), EVERY);
    }

    ring() {
        const now = performance.now();
        this.lags.push(Math.max(0, now - this.due));
        // What was missed while the page was held up isn't late by itself.
        this.due = Math.max(this.due + EVERY, now);
    }

    /** @returns {{mean: number, most: number, busy: boolean, hidden: boolean}} milliseconds; busy if the mean, or one turn in ten, is in doubt */
    stop() {
        clearInterval(this.timer);
        document.removeEventListener("visibilitychange", this.watch);
        const count = Math.max(1, this.lags.length);
        const mean = this.lags.reduce((sum, lag) => sum + lag, 0) / count;
        const late = this.lags.filter((lag) => lag > LATE).length;
        const most = Math.max(0, ...this.lags);
        return { mean, most, busy: mean > LATE / 2 || late > count / 20 || most > 20 * LATE, hidden: this.hidden };
    }
}
