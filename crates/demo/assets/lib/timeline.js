// The time that all drawings of a page share: they run, stand still and are scrolled together, so that what is side by side happened at the same time.
// Times are microseconds of the lab's clock.

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Who prefers less motion sees the same, in steps. */
const STEP_MS = 1000;
/** So many times as long as a drawing took, nothing is drawn. */
const REST = 2;

export class Timeline {
    /** @param {() => number} now the lab's clock, now @param {number} [seconds] how much is seen at once */
    constructor(now, seconds = 4) {
        this.now = now;
        this.seconds = seconds;
        /** How far behind the present the newest edge is, so that what is still under way is drawn while it is told. */
        this.lag = 150_000;
        /** @type {number | null} the newest edge while it stands still */
        this.stopped = null;
        /** @type {Set<() => void>} */
        this.drawings = new Set();
        /** @type {Set<() => void>} */
        this.listeners = new Set();
        this.dirty = true;
        this.drawn = 0;
        this.rest = 0;
        this.frame = requestAnimationFrame((at) => this.turn(at));
    }

    get span() {
        return this.seconds * 1e6;
    }

    /** The newest time that is drawn. */
    get end() {
        return this.stopped ?? this.now() - this.lag;
    }

    get paused() {
        return this.stopped !== null;
    }

    /** @param {boolean} pause */
    pause(pause) {
        this.stopped = pause ? this.end : null;
        this.tell();
    }

    /** Back (or forth) in time; whatever runs stands still first, and runs again at the present. @param {number} us */
    scroll(us) {
        const present = this.now() - this.lag;
        const end = this.end + us;
        this.stopped = end >= present && us > 0 ? null : end;
        this.tell();
    }

    /** So that a time is in view. @param {number} us */
    show(us) {
        const end = this.end;
        if (us > end - this.span * 0.05 || us < end - this.span * 0.95) this.stopped = us + this.span / 2;
        else this.stopped = end;
        this.tell();
    }

    /** @param {number} seconds */
    zoom(seconds) {
        this.seconds = seconds;
        this.tell();
    }

    tell() {
        this.dirty = true;
        for (const listener of this.listeners) listener();
    }

    /** @param {() => void} draw called in every frame in which there may be something new @returns {() => void} ends it */
    draws(draw) {
        this.drawings.add(draw);
        return () => this.drawings.delete(draw);
    }

    turn(at) {
        const due = !this.paused && (!calm.matches || at - this.drawn > STEP_MS);
        if ((due && performance.now() >= this.rest) || this.dirty) {
            this.dirty = false;
            this.drawn = at;
            const start = performance.now();
            for (const draw of this.drawings) draw();
            // The page's time is for messages first: a drawing that is late harms nobody, a message that waits for it gets older.
            const end = performance.now();
            this.rest = end + (end - start) * REST;
        }
        this.frame = requestAnimationFrame((next) => this.turn(next));
    }

    close() {
        cancelAnimationFrame(this.frame);
        this.drawings.clear();
        this.listeners.clear();
    }
}
