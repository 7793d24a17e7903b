// Who publishes, and who owes what to whom: the source on the server or a client in this page; an event that was published is owed by every transport
// that stood then, until it has come.

/** How long after its welcome a client is taken to have joined the room, beyond two round trips. */
const JOINED_US = 300e3;
const ROOM = "bench";

export class Publisher {
    /** @param {any} bench @param {import("./board.js").Board} board @param {Map<string, any>} clients */
    constructor(bench, board, clients) {
        Object.assign(this, { bench, board, clients });
        this.recorder = null;
        this.count = 0;
        /** Ids of keys that the server was asked to publish, in order: it tells its times in the same. */
        this.asked = [];
        /** @type {Map<string, number>} when they were published */
        this.times = new Map();
        /** @type {Map<string, (() => void)[]>} what arrived before that was told */
        this.early = new Map();
        /** @type {Map<import("./panel.js").Panel, number>} since when a transport owes */
        this.since = new Map();
        this.timer = 0;
        /** Of the link, in milliseconds. */
        this.rtt = 0;
    }

    get now() {
        return this.bench.fromPage(performance.now());
    }

    // ---- Publishing ----

    /** @param {string} key @param {string} by a transport's name: its client publishes; empty: the server */
    strike(key, by) {
        const id = `key ${(this.count += 1)}`;
        if (by) return this.emit(by, "key", id, { key });
        this.asked.push(id);
        this.bench.tell({ op: "publish", event: "key", data: { id, key } });
    }

    /** @param {{rate: number, law: string, payload: number, seed: number, by: string}} settings */
    source({ rate, law, payload, seed, by }) {
        clearTimeout(this.timer);
        this.bench.tell({ op: "source", rate: by ? 0 : rate, law, payload, seed });
        if (!by || rate === 0) return;
        const random = seeded(seed);
        const pad = "x".repeat(payload);
        const next = () => (law === "periodic" ? 1 : -Math.log(1 - random())) * (1000 / rate);
        let due = performance.now() + next();
        const turn = () => {
            while (performance.now() >= due) {
                this.emit(by, "tick", `own ${(this.count += 1)}`, { pad });
                due += next();
            }
            this.timer = setTimeout(turn, Math.max(0, due - performance.now()));
        };
        this.timer = setTimeout(turn, due - performance.now());
    }

    /** A client publishes: the way up is then a part of the age. */
    emit(by, event, id, data) {
        const at = this.now;
        try {
            this.clients.get(by)?.emit({ room: ROOM }, event, { ...data, id, at_us: at });
        } catch {
            return; // Its queue is full: it has been away for long.
        }
        this.owe(id, at, null);
    }

    stop() {
        clearTimeout(this.timer);
    }

    // ---- What is owed, and came ----

    /** The bench published. @param {{n: number, at_us: number, event: string}} told */
    told({ n, at_us, event }) {
        const id = event === "key" ? this.asked.shift() : tick(n, at_us);
        if (!id) return;
        if (event === "key") this.remember(id, at_us);
        this.owe(id, at_us, at_us);
        for (const hear of this.early.get(id) ?? []) hear();
        this.early.delete(id);
    }

    /** @param {string} id @param {number} at @param {number | null} published when by the server, if it was */
    owe(id, at, published) {
        this.board.owe(id, published, (panel) => at > (this.since.get(panel) ?? Infinity));
        this.recorder?.note({ owed: { id, at_us: published } });
    }

    /** A client has a session. A new one owes what is published once it has joined again. */
    welcomed(panel, resumed) {
        if (resumed && this.since.has(panel)) return;
        panel.forgive();
        this.since.set(panel, this.now + JOINED_US + 2000 * this.rtt);
    }

    /** A page's client received an event. */
    heard(name, panel, { event, data }) {
        const received = this.now;
        const label = event === "key" ? String(data?.key ?? "").slice(0, 2) : "";
        if (event === "tick" && data?.id === undefined) return this.hear(name, panel, { id: tick(data.n, data.at_us), published: data.at_us, received, label });
        const id = String(data?.id);
        if (Number.isFinite(data?.at_us)) return this.hear(name, panel, { id, published: data.at_us, received, label, up: true });
        const published = this.times.get(id);
        if (published !== undefined) return this.hear(name, panel, { id, published, received, label });
        if (!this.early.has(id)) this.early.set(id, []);
        this.early.get(id).push(() => this.hear(name, panel, { id, published: this.times.get(id), received, label }));
    }

    hear(name, panel, event) {
        panel.hear(event);
        this.recorder?.note({ heard: { transport: name, ...event } });
    }

    remember(id, at) {
        this.times.set(id, at);
        if (this.times.size > 1000) this.times.delete(this.times.keys().next().value);
    }
}

/** A source counts from one again when it is changed. */
function tick(n, at) {
    return `tick ${n} at ${Math.round(at)}`;
}

/** Seeded random numbers in [0, 1), so that a source can be had again: Marsaglia's xorshift of 32 bits (2003). */
function seeded(seed) {
    let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1;
    return () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state >>> 0) / 2 ** 32;
    };
}
