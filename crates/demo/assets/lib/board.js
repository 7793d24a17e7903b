// The transports beside each other: a panel for each, one time for all. It is fed by a bench or by a recording.

import { quantile, Scale } from "./ages.js";
import { showCode } from "./code.js";
import { h, put } from "./dom.js";
import { called, isVariant } from "./names.js";
import { Panel } from "./panel.js";
import { Timeline } from "./timeline.js";

/** What the strip charts show. */
const RECENT_US = 30e6;
const SUMMARY_MS = 10_000;
const WINDOWS = [0.5, 1, 2, 4, 10, 30];
const SECONDS = 2;

export class Board {
    /**
     * @param {HTMLElement} host is filled
     * @param {{name: string, title: string}[]} transports
     * @param {() => number} now the lab's clock, in microseconds
     */
    constructor(host, transports, now) {
        this.host = host;
        this.transports = transports;
        this.timeline = new Timeline(now, SECONDS);
        this.scale = new Scale();
        /** @type {Map<string, Panel>} */
        this.panels = new Map();
        /** @type {Set<string>} */
        this.hidden = new Set(transports.map(({ name }) => name).filter((name) => isVariant(name, transports)));
        /** Called when a panel is shown. @type {(name: string) => void} */
        this.onshow = () => {};
        this.live = h("p.unseen", { "aria-live": "polite", "data-summary": true });
        this.grid = h("div.panels");
        host.replaceChildren(this.toolbar(), this.legend(), this.grid, this.live);
        this.fill();
        this.timeline.listeners.add(() => this.paused());
        this.timer = setInterval(() => this.fit(), 250);
        this.speaker = setInterval(() => this.speak(), SUMMARY_MS);
    }

    fill() {
        for (const transport of this.transports) {
            const panel = new Panel(transport, this.timeline, this.scale, showCode);
            panel.root.hidden = this.hidden.has(transport.name);
            this.panels.set(transport.name, panel);
            this.grid.append(panel.root);
        }
        this.count();
    }

    /** Everything anew, as if nothing had happened. */
    reset() {
        for (const panel of this.panels.values()) panel.close();
        this.panels.clear();
        this.fill();
    }

    // ---- What it is told ----

    /** @param {any} message of the bench's stream */
    take(message) {
        if (message.transport) this.panels.get(message.transport)?.take(message);
    }

    /** An event is owed by all transports, or by those that are told. @param {string} id @param {number | null} at_us @param {(panel: Panel) => boolean} [by] */
    owe(id, at_us, by = () => true) {
        for (const panel of this.panels.values()) if (by(panel)) panel.owe(id, at_us);
    }

    // ---- Its own controls ----

    toolbar() {
        this.pauser = h("button", { type: "button", "aria-pressed": "false", text: "Pause", click: () => this.timeline.pause(!this.timeline.paused) });
        const back = h("button", { type: "button", text: "Earlier", click: () => this.timeline.scroll(-this.timeline.span / 2) });
        const forth = h("button", { type: "button", text: "Later", click: () => this.timeline.scroll(this.timeline.span / 2) });
        const windows = h("select", { change: (event) => this.timeline.zoom(Number(event.target.value)) });
        for (const seconds of WINDOWS) windows.append(h("option", { value: seconds, text: `${seconds} s`, selected: seconds === SECONDS }));
        const zoom = h("label.inline", {}, "In view ", windows);
        this.tools = h("div.tools", { role: "group", "aria-label": "Time" }, this.pauser, back, forth, zoom);
        return this.tools;
    }

    paused() {
        this.pauser.setAttribute("aria-pressed", String(this.timeline.paused));
        put(this.pauser, this.timeline.paused ? "Run on" : "Pause");
    }

    legend() {
        const switches = h("div.switches", { role: "group", "aria-label": "Transports shown" });
        for (const { name, title } of this.transports) {
            const toggle = h("button", { type: "button", "data-transport": name, "aria-pressed": String(!this.hidden.has(name)), title, text: called(name) });
            toggle.addEventListener("click", () => {
                const hide = toggle.getAttribute("aria-pressed") === "true";
                toggle.setAttribute("aria-pressed", String(!hide));
                this.hidden[hide ? "add" : "delete"](name);
                this.panels.get(name).root.hidden = hide;
                if (!hide) this.onshow(name);
                this.count();
            });
            switches.append(toggle);
        }
        return switches;
    }

    count() {
        this.grid.style.setProperty("--panels", String(Math.max(1, this.panels.size - this.hidden.size)));
    }

    fit() {
        const shown = [...this.panels.values()].filter((panel) => !panel.root.hidden);
        const recently = this.timeline.end - RECENT_US;
        // A cut leaves a few great ages behind: they need not make everything else small for ever.
        this.scale.fit(shown.flatMap(({ ages }) => [quantile(ages.since(recently), 0.99), quantile(ages.sorted(), 0.9)]));
    }

    /** Politely, every ten seconds and only if there is something new. */
    speak() {
        const shown = [...this.panels.values()].filter((panel) => !panel.root.hidden && panel.received > 0);
        if (shown.length > 0 && !document.hidden) put(this.live, `${shown.map((panel) => panel.summary()).join(". ")}.`);
    }

    close() {
        clearInterval(this.timer);
        clearInterval(this.speaker);
        for (const panel of this.panels.values()) panel.close();
        this.timeline.close();
        this.host.replaceChildren();
    }
}
