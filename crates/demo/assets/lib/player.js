// Plays a recording on a board: the same drawings, another clock.

export class Player {
    /** @param {import("./recorder.js").Recording} recording @param {() => void} moved called as it plays */
    constructor(recording, moved) {
        this.entries = recording.entries;
        this.start = this.entries[0].at_us;
        this.length = this.entries.at(-1).at_us - this.start;
        this.moved = moved;
        this.speed = 1;
        this.position = 0;
        this.playing = false;
        this.next = 0;
        this.last = 0;
        this.board = null;
    }

    /** The recording's clock: what a board takes for now. */
    now() {
        return this.start + this.position;
    }

    /** @param {import("./board.js").Board} board */
    attach(board) {
        this.board = board;
        this.feed();
    }

    play() {
        if (this.position >= this.length) this.seek(0);
        this.playing = true;
        this.last = performance.now();
        this.frame = requestAnimationFrame((at) => this.turn(at));
        this.moved();
    }

    stop() {
        this.playing = false;
        cancelAnimationFrame(this.frame);
        this.moved();
    }

    /** @param {number} us from the beginning */
    seek(us) {
        if (us < this.position) {
            this.next = 0;
            this.board?.reset();
        }
        this.position = Math.max(0, Math.min(this.length, us));
        this.feed();
        if (this.board) this.board.timeline.dirty = true;
        this.moved();
    }

    turn(at) {
        if (!this.playing) return;
        const passed = Math.max(0, at - this.last);
        this.last = at;
        // A second beyond the last word, so that its arrow is seen.
        this.position += passed * 1000 * this.speed;
        this.feed();
        if (this.position >= this.length + 1e6) return this.stop();
        this.moved();
        this.frame = requestAnimationFrame((next) => this.turn(next));
    }

    feed() {
        if (!this.board) return;
        const now = this.now();
        while (this.next < this.entries.length && this.entries[this.next].at_us <= now) this.give(this.entries[this.next++]);
    }

    give({ told, heard, owed, state }) {
        const { board } = this;
        if (told?.op === "link") this.link = told;
        else if (told) board.take(told);
        if (owed) board.owe(owed.id, owed.at_us);
        if (heard) board.panels.get(heard.transport)?.hear(heard);
        if (state) board.panels.get(state.transport)?.becomes(state.state, state.why);
    }
}
