// A recording of a bench: what the bench told and what the page heard, with times, as JSON lines. Parts of messages that come again and again (headers
// above all) are written once.

const MOST_BYTES = 20e6;

export class Recorder {
    /** @param {any} bench @param {import("./board.js").Board} board @param {object} settings what stands beside it for a reader */
    constructor(bench, board, settings) {
        this.bench = bench;
        this.parts = new Map();
        this.bytes = 0;
        this.lines = [];
        const shown = [...board.panels.values()].filter((panel) => !panel.root.hidden);
        const transports = shown.map(({ transport }) => transport).map(({ name, title }) => ({ name, title }));
        const version = document.documentElement.dataset.version ?? bench.version ?? null;
        this.write({ recording: 1, recorded_at: new Date().toISOString(), version, start_us: this.now, transports, settings });
        for (const panel of shown) this.begin(panel);
        for (const op of ["opened", "closed", "message", "counts", "lost"]) bench.on(op, (message) => this.take([message]));
    }

    /** What stood already: connections, streams that are open, requests that wait. @param {import("./panel.js").Panel} panel */
    begin({ transport: { name }, traffic, root, counts }) {
        const at = this.now;
        for (const connection of traffic.open) this.take([{ op: "opened", transport: name, connection, at_us: at }]);
        for (const { request, response, ended } of traffic.exchanges.values()) {
            if (ended === null && (!response || response.continues)) this.take([request, response].filter(Boolean));
        }
        if (counts) this.take([counts]);
        this.note({ state: { transport: name, state: root.dataset.state } });
    }

    get now() {
        return this.bench.fromPage(performance.now());
    }

    /** @param {any[]} messages of the bench's stream */
    take(messages) {
        if (this.done) return;
        for (const message of messages) this.write({ at_us: this.now, told: message.parts ? { ...message, parts: message.parts.map((part) => this.part(part)) } : message });
    }

    /** What the page itself saw. @param {object} seen */
    note(seen) {
        if (!this.done) this.write({ at_us: this.now, ...seen });
    }

    part(part) {
        if (part.role === "payload" || part.role === "mask") return part;
        const key = JSON.stringify(part);
        let number = this.parts.get(key);
        if (number === undefined) {
            number = this.parts.size;
            this.parts.set(key, number);
            this.write({ part });
        }
        return number;
    }

    write(line) {
        const text = JSON.stringify(line, (key, value) => (key.endsWith("_us") && typeof value === "number" ? Math.round(value) : value));
        this.bytes += text.length;
        if (this.bytes > MOST_BYTES) this.done = true;
        else this.lines.push(text);
    }

    /** As text, and no more of it. */
    finish() {
        this.done = true;
        return `${this.lines.join("\n")}\n`;
    }

    /** As a file of the browser's downloads. */
    save() {
        const address = URL.createObjectURL(new Blob([this.finish()], { type: "application/jsonl" }));
        const link = document.createElement("a");
        link.href = address;
        link.download = `pushlab-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.jsonl`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(address), 10_000);
    }
}

/**
 * @typedef {object} Recording
 * @property {any} head its first line
 * @property {{at_us: number, told?: any, heard?: any, owed?: any, state?: any}[]} entries in order
 */

/** @param {string} text @returns {Recording} */
export function parse(text) {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    const head = lines.length > 0 ? read(lines[0], 1) : null;
    if (head?.recording !== 1 || !Array.isArray(head.transports)) throw new Error("line 1 isn't that of a recording");
    const parts = [];
    const entries = [];
    lines.slice(1).forEach((text, index) => {
        const line = read(text, index + 2);
        if (line.part) return void parts.push(line.part);
        if (!Number.isFinite(line.at_us)) throw new Error(`line ${index + 2} has no time`);
        if (line.told?.parts) line.told.parts = line.told.parts.map((part) => (typeof part === "number" ? (parts[part] ?? { role: "payload", text: "?" }) : part));
        entries.push(line);
    });
    if (entries.length === 0) throw new Error("nothing was recorded");
    entries.sort((a, b) => a.at_us - b.at_us);
    return { head, entries };
}

function read(line, number) {
    try {
        return JSON.parse(line);
    } catch {
        throw new Error(`line ${number} isn't JSON`);
    }
}
