// One transport on the page: its diagram, charts, counters and bytes. It is fed by a bench or by a recording, and doesn't know which.

import { Ages } from "./ages.js";
import { BytesView } from "./bytes.js";
import { Counters } from "./counters.js";
import { Diagram, described, titled } from "./diagram.js";
import { h, put } from "./dom.js";
import { ms, plural } from "./format.js";
import { Histogram } from "./histogram.js";
import { called } from "./names.js";
import { Strip } from "./strip.js";
import { Traffic } from "./traffic.js";

/** A few times a second is often enough for numbers that are read. */
const REFRESH_MS = 250;
const TABLE_ROWS = 15;
const KNOWN = 4000;

const STATES = { connecting: "connecting", open: "connected", waiting: "waits to reconnect", closed: "closed" };

export class Panel {
    /**
     * @param {{name: string, title: string}} transport
     * @param {import("./timeline.js").Timeline} timeline
     * @param {import("./ages.js").Scale} scale
     * @param {(name: string) => void} code opens the transport's module
     */
    constructor(transport, timeline, scale, code) {
        this.transport = transport;
        this.timeline = timeline;
        this.scale = scale;
        this.traffic = new Traffic();
        this.ages = new Ages();
        this.received = 0;
        this.duplicates = 0;
        this.missed = 0;
        /** @type {Set<string>} ids of published events that didn't arrive yet */
        this.pending = new Set();
        /** @type {Set<string>} ids of the newest that did: they may be told of before the bench says that they were published */
        this.known = new Set();
        this.counts = null;
        /** What the bytes show: a chosen message, or always the newest. */
        this.pinned = null;
        this.last = null;
        this.build(code);
    }

    build(code) {
        const { name } = this.transport;
        const title = called(name);
        const part = (tag, attributes, ...children) => h(tag, attributes ?? {}, ...children);
        this.state = part("span.state");
        this.age = part("output.age", { text: "–", "aria-live": "off" });
        this.keys = part("span.keys");
        this.delivery = part("p.delivery");
        this.back = part("button.plain", { type: "button", hidden: true, text: "Back to the newest", click: () => this.pin(null) });
        const sequence = part("div");
        const strip = part("canvas.strip");
        const bars = part("canvas.histogram");
        const figures = part("p.figures");
        const counters = part("dl");
        const wire = part("div", { "aria-label": `${title}: bytes of an exchange` });
        this.table = part("div.scroll", { tabindex: 0, role: "region", "aria-label": `${title}: the last messages` });
        this.raw = part("details.raw", { open: true }, part("summary", { text: "Bytes of the last exchange" }), this.back, wire);
        this.list = part("details.list", { toggle: () => this.tabulate() }, part("summary", { text: "The last messages as a table" }), this.table);
        this.root = part(
            "article.panel",
            { "data-transport": name, "data-panel": name, "aria-labelledby": `title-${name}` },
            part("header", {}, part("h2.transport", { id: `title-${name}`, title: this.transport.title, text: title }), this.state),
            part("p.latest", {}, this.age, this.keys),
            part("p.ends", { "aria-hidden": "true" }, part("span", { text: "browser" }), part("span", { text: "server" })),
            sequence,
            part("h3", { text: "Ages, last 30 s" }),
            strip,
            bars,
            figures,
            this.delivery,
            counters,
            this.raw,
            this.list,
            part("button.plain", { type: "button", text: "Show me the code", "data-code": name, click: () => code(name) }),
        );
        this.diagram = new Diagram(sequence, this.traffic, this.timeline, title, (message) => this.pin(message));
        this.strip = new Strip(strip, this.ages, this.scale, this.timeline);
        this.histogram = new Histogram(bars, figures, this.ages, this.scale);
        this.counters = new Counters(counters);
        this.bytes = new BytesView(wire);
        this.becomes("connecting");
        this.refresher = setInterval(() => this.refresh(), REFRESH_MS);
    }

    // ---- What it is told ----

    /** A message of the bench's stream. @param {any} message */
    take(message) {
        if (message.op === "message") this.traffic.add(message);
        else if (message.op === "counts") this.counts = message;
        else if (message.op === "opened") this.traffic.opened(message);
        else if (message.op === "closed") this.traffic.closed(message);
        else if (message.op === "lost") this.traffic.lose(message);
        if (this.timeline.paused) this.timeline.dirty = true;
    }

    /** An event was published, which this transport owes the page. @param {string} id @param {number | null} at_us when, if by the server */
    owe(id, at_us) {
        if (at_us !== null) this.traffic.publish(at_us);
        if (this.known.has(id)) return;
        this.pending.add(id);
        // Whoever is away for long is owed much, but remembers only so much.
        if (this.pending.size > 20_000) this.pending.delete(this.pending.values().next().value);
    }

    /** A new session owes nothing of what an older one owed: that is lost. */
    forgive() {
        this.missed += this.pending.size;
        this.pending.clear();
    }

    /** The page received an event. @param {{id: string, published: number, received: number, label: string, up?: boolean}} event */
    hear(event) {
        if (this.known.has(event.id)) {
            this.duplicates += 1;
            return;
        }
        this.known.add(event.id);
        if (this.known.size > KNOWN) this.known.delete(this.known.values().next().value);
        this.received += 1;
        this.pending.delete(event.id);
        this.traffic.heard(event);
        const age = (event.received - event.published) / 1000;
        this.ages.add(event.received, age);
        if (event.label) {
            this.keys.textContent = `${this.keys.textContent}${event.label}`.slice(-14);
            this.root.classList.remove("struck");
            void this.root.offsetWidth;
            this.root.classList.add("struck");
        }
    }

    /** @param {string} state @param {string} [why] */
    becomes(state, why = "") {
        this.root.dataset.state = state;
        this.state.textContent = STATES[state] ?? state;
        this.state.title = why;
    }

    gap(missed) {
        this.missed += missed;
    }

    // ---- What it shows ----

    refresh() {
        if (!this.root.isConnected || this.root.hidden) return;
        put(this.age, ms(this.ages.last));
        this.figures = this.histogram.update();
        if (this.counts) this.counters.update(this.counts, this.received);
        const lag = this.pending.size;
        const bits = [plural(this.received, "event"), lag === 0 ? "none is missing" : `${lag} on the way`];
        if (this.missed > 0) bits.push(`${this.missed} lost`);
        if (this.duplicates > 0) bits.push(`${this.duplicates} twice`);
        const { least, median } = this.figures;
        Object.assign(this.root.dataset, { received: this.received, pending: lag, missed: this.missed, duplicates: this.duplicates, least, median });
        const text = bits.join(" · ");
        put(this.delivery, text);
        this.delivery.classList.toggle("bad", this.missed > 0 || this.duplicates > 0);
        if (!this.pinned && this.raw.open && !this.bytes.host.matches(":hover, :focus")) this.showBytes();
        if (this.list.open && !this.timeline.paused) this.tabulate();
    }

    pin(message) {
        this.pinned = message;
        this.back.hidden = !message;
        this.raw.open ||= message !== null;
        this.showBytes();
    }

    showBytes() {
        const exchange = this.exchange(this.pinned);
        const mark = exchange.at(-1);
        if (exchange.length === 0 || (this.last === mark && this.lastLength === exchange.length)) return;
        this.last = mark;
        this.lastLength = exchange.length;
        this.bytes.show(exchange);
    }

    /** A message with what belongs to it: the answer to its request. Without one, the newest exchange that is complete. */
    exchange(message) {
        if (message) {
            const both = message.kind === "request" || message.kind === "response" ? this.traffic.exchangeOf(message) : null;
            return both ? [both.request, both.response].filter(Boolean) : [message];
        }
        const { messages } = this.traffic;
        for (let index = messages.length - 1; index >= 0; index -= 1) {
            const one = messages[index];
            if (one.preflight || one.kind === "request" || one.kind === "comment") continue;
            return this.exchange(one);
        }
        return [];
    }

    /** The same as the diagram, for those who don't see it. */
    tabulate() {
        if (!this.list.open) return;
        const titles = ["Message", "On its way", "Payload + overhead", "Remark"].map((text) => h("th", { scope: "col", text }));
        const table = h("table", {}, h("thead", {}, h("tr", {}, ...titles)));
        const body = table.createTBody();
        for (const message of this.traffic.messages.slice(-TABLE_ROWS).reverse()) {
            const row = body.insertRow();
            const remarks = message.preflight ? "preflight" : this.traffic.isUseless(message) ? "useless" : "";
            const cells = [`${message.way === "up" ? "→" : "←"} ${titled(message)}`, ms((message.arrived_us - message.sent_us) / 1000), `${message.payload} + ${message.overhead}`, remarks];
            for (const text of cells) row.insertCell().textContent = text;
            row.title = described(message, this.traffic);
        }
        this.table.replaceChildren(table);
    }

    /** In a sentence. */
    summary() {
        if (this.ages.count === 0) return `${called(this.transport.name)}: nothing yet`;
        const useless = this.counts?.requests > 0 ? `, ${this.counts.useless} of ${plural(this.counts.requests, "request")} useless` : "";
        return `${called(this.transport.name)}: ${plural(this.received, "event")}, median age ${ms(this.figures?.median ?? NaN)}${useless}`;
    }

    clear() {
        this.ages.clear();
        this.keys.textContent = "";
    }

    close() {
        clearInterval(this.refresher);
        for (const part of [this.diagram, this.strip, this.histogram]) part.close();
        this.root.remove();
    }
}
