// The bytes of an exchange as they were on the wire: overhead and payload coloured, a frame's header bit by bit, and what share was payload, in words.

import { h } from "./dom.js";
import { bytes, share } from "./format.js";

/** What the parts of a message are called. */
const ROLES = {
    "start-line": "start line",
    header: "header",
    chunk: "chunk framing",
    field: "field name",
    "frame-header": "frame header",
    mask: "mask key",
    payload: "payload",
};

const OPCODES = { 0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" };
const MOST_HEX = 64;

const encoder = new TextEncoder();

export class BytesView {
    /** @param {HTMLElement} host */
    constructor(host) {
        this.host = host;
        host.classList.add("bytes");
        host.tabIndex = 0;
        host.setAttribute("role", "region");
        this.say("Nothing was sent yet.");
    }

    say(text) {
        this.host.replaceChildren(h("p.hint", { text: text }));
    }

    /** @param {import("./traffic.js").Message[]} messages the messages of one exchange, in order */
    show(messages) {
        const payload = messages.reduce((sum, message) => sum + message.payload, 0);
        const overhead = messages.reduce((sum, message) => sum + message.overhead, 0);
        const whole = payload + overhead;
        this.host.dataset.payload = payload;
        this.host.dataset.overhead = overhead;
        const words = payload === 0 ? `${bytes(whole)}, all of it overhead` : `${bytes(whole)}: ${bytes(payload)} payload, ${bytes(overhead)} overhead (${share(overhead / whole)})`;
        const sections = messages.map((message) => section(message));
        this.host.replaceChildren(h("p.sum", { text: words }), ...sections);
    }
}

/** @param {import("./traffic.js").Message} message */
function section(message) {
    const all = h("section");
    const head = all.appendChild(h("h4", { text: `${message.way === "up" ? "Up, to the server" : "Down, to the browser"}: ${bytes(message.payload + message.overhead)}` }));
    head.title = message.title;
    const wire = all.appendChild(h("div.wire"));
    let shown = 0;
    for (const part of message.parts ?? []) {
        shown += sizeOf(part);
        wire.append(part.role === "frame-header" && part.hex ? frameHeader(part) : run(part));
    }
    if (message.cut) wire.append(h("p.hint", { text: "Cut off here: the connection was lost in the middle of the message." }));
    else if (shown < message.payload + message.overhead) wire.append(h("p.hint", { text: `… and ${bytes(message.payload + message.overhead - shown)} more` }));
    return all;
}

/** Bytes of a part on the wire; its text, if it has both, is only what they mean. */
function sizeOf(part) {
    return part.hex === undefined ? encoder.encode(part.text ?? "").length : part.hex.length / 2;
}

/** A part as text, or as hexadecimal numbers where it is none. */
function run(part) {
    const kind = part.role === "payload" ? "payload" : "overhead";
    const all = h(`span.part.${kind}`);
    all.dataset.role = part.role;
    all.dataset.bytes = sizeOf(part);
    all.title = `${ROLES[part.role] ?? part.role}, ${bytes(sizeOf(part))}`;
    if (part.text !== undefined) all.append(part.text.replaceAll("\r\n", "↵\n"));
    if (part.hex !== undefined) {
        const short = part.hex.length > MOST_HEX ? `${pairs(part.hex.slice(0, MOST_HEX))} …` : pairs(part.hex);
        const label = part.role === "mask" ? "mask key " : part.text !== undefined ? "as sent, masked: " : "";
        const raw = h("span.hex", { text: `${label}${short}` });
        if (part.text !== undefined) all.append(h("br"));
        all.append(raw);
    }
    return all;
}

/** A WebSocket frame's header: 2 to 10 bytes, each field with its bits. RFC 6455, section 5.2. */
function frameHeader(part) {
    const octets = part.hex.match(/../g).map((pair) => parseInt(pair, 16));
    const [first, second] = octets;
    const length = second & 0x7f;
    const fields = [
        ["FIN", bits(first >> 7, 1), first >> 7 ? "the last frame of its message" : "more frames follow"],
        ["RSV", bits((first >> 4) & 7, 3), "reserved"],
        ["opcode", bits(first & 15, 4), OPCODES[first & 15] ?? `opcode ${first & 15}`],
        ["MASK", bits(second >> 7, 1), second >> 7 ? "a client must mask" : "a server must not mask"],
        ["length", bits(length, 7), length < 126 ? bytes(length) : length === 126 ? "126: it is in the next 16 bits" : "127: it is in the next 64 bits"],
    ];
    const extended = octets.slice(2, length === 126 ? 4 : length === 127 ? 10 : 2);
    if (extended.length > 0) {
        const value = extended.reduce((sum, octet) => sum * 256 + octet, 0);
        fields.push(["length, extended", extended.map((octet) => bits(octet, 8)).join(" "), bytes(value)]);
    }
    const all = h("div.part.overhead.frame-header", { "data-role": part.role, "data-bytes": octets.length });
    const row = all.appendChild(h("div.bits", { "aria-hidden": "true" }));
    for (const [name, value] of fields) {
        const cells = [...value.replaceAll(" ", "")].map((bit) => h("b", { text: bit }));
        row.append(h("div", { class: `wide-${Math.min(8, cells.length)}` }, h("span.cells", {}, ...cells), h("span.name", { text: name })));
    }
    all.append(h("ul", {}, ...fields.filter(([name]) => name !== "RSV").map(([name, , meaning]) => h("li", { text: `${name}: ${meaning}` }))));
    return all;
}

function bits(value, width) {
    return value.toString(2).padStart(width, "0");
}

function pairs(hex) {
    return hex.match(/../g)?.join(" ") ?? "";
}
