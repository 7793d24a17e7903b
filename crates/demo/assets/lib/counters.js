// What a transport cost so far: the bench's own counts, exact whatever the drawings left out.

import { h, put } from "./dom.js";
import { bytes, count, share } from "./format.js";

/** Title, what it is, and its value from a `counts` message. */
const ROWS = [
    ["requests", "Requests", (c) => count(c.requests)],
    ["useless", "of them useless", (c) => (c.requests > 0 ? `${count(c.useless)} (${share(c.useless / c.requests)})` : count(c.useless))],
    ["preflights", "preflights", (c) => count(c.preflights)],
    ["messages", "Messages up, down", (c) => `${count(c.messages_up)}, ${count(c.messages_down)}`],
    ["up", "Bytes up", (c) => bytes(c.payload_up + c.overhead_up)],
    ["down", "Bytes down", (c) => bytes(c.payload_down + c.overhead_down)],
    ["payload", "of both payload", (c) => share((c.payload_up + c.payload_down) / (c.payload_up + c.payload_down + c.overhead_up + c.overhead_down))],
    ["each", "Bytes a message", null],
    ["connections", "Connections now, ever", (c) => `${count(c.open)}, ${count(c.opened)}`],
];

export class Counters {
    /** @param {HTMLElement} host a `<dl>` */
    constructor(host) {
        this.host = host;
        host.classList.add("counters");
        this.values = new Map();
        for (const [key, title] of ROWS) {
            const value = h("dd", { text: "–" });
            host.append(h("div", { "data-counter": key }, h("dt", { text: title }), value));
            this.values.set(key, value);
        }
        this.latest = null;
    }

    /** @param {object} counts a `counts` message of the bench @param {number} received events that the page had */
    update(counts, received) {
        this.latest = counts;
        this.host.dataset.useless = counts.useless;
        this.host.dataset.requests = counts.requests;
        for (const [key, , value] of ROWS) {
            const all = counts.payload_up + counts.payload_down + counts.overhead_up + counts.overhead_down;
            const text = value ? value(counts) : received > 0 ? bytes(all / received) : "–";
            put(this.values.get(key), text);
        }
    }
}
