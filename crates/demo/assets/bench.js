// The side-by-side page: a bench of its own on the server, a client of each transport in this page, and everything that is seen of them.

import { openBench } from "/assets/lib/bench.js";
import { Board } from "/assets/lib/board.js";
import { h, put } from "/assets/lib/dom.js";
import { bandwidth, bytes, ms, plural, rate, setting } from "/assets/lib/format.js";
import { Knob, settled } from "/assets/lib/knobs.js";
import { called } from "/assets/lib/names.js";
import { PRESETS } from "/assets/lib/presets.js";
import { Publisher } from "/assets/lib/publisher.js";
import { Recorder } from "/assets/lib/recorder.js";

const $ = (id) => document.getElementById(id);
const host = $("board");

const knobs = {
    rate: new Knob("rate", rate, () => retune()),
    payload: new Knob("payload", bytes, () => retune()),
    rtt: new Knob("rtt", setting, () => relink()),
    jitter: new Knob("jitter", (value) => (value === 0 ? "none" : setting(value)), () => relink()),
    bandwidth: new Knob("bandwidth", bandwidth, () => relink()),
    interval: new Knob("interval", setting, () => repoll()),
    neighbours: new Knob("neighbours", (count) => (count === 0 ? "none" : String(count)), () => crowd()),
};

/** @type {any} the bench; null until it is there and after it has gone */
let bench = null;
/** @type {Board | null} */
let board = null;
/** @type {Publisher | null} */
let publisher = null;
const clients = new Map();
let plugged = true;
let recorder = null;
let clockTimer = 0;
/** Whose neighbours there are. */
let crowded = null;

// On a wide screen there is room for everything beside the panels.
$("controls").open = matchMedia("(min-width: 110rem)").matches;

/** Sooner than a client of thousands should come back: here there are five, and somebody waits for them. */
const BACKOFF = { first: 250, most: 4000, jitter: 1000 };

// ---- The bench ----

function link() {
    return { rtt_ms: knobs.rtt.value, jitter_ms: Math.min(knobs.jitter.value, knobs.rtt.value / 2), bandwidth_kbps: knobs.bandwidth.value };
}

function polling() {
    return { interval: knobs.interval.value, pacing: $("pacing").value };
}

async function open() {
    host.dataset.bench = "opening";
    trouble("");
    try {
        bench = await openBench({ hub: "own", batching: $("batching").checked, keep_alive: $("keep-alive").checked, link: link() });
    } catch (error) {
        host.dataset.bench = "failed";
        trouble(`There is no bench: ${error.message}. Load the page again, or look whether the server still runs.`);
        return;
    }
    board = new Board(host, bench.transports, () => bench?.fromPage(performance.now()) ?? 0);
    board.tools.append(record, clear);
    publisher = new Publisher(bench, board, clients);
    choices();
    // An older bench that isn't over yet has nothing to say any more.
    const mine = bench;
    const hear = (op, handler) => mine.on(op, (message) => mine === bench && handler(message));
    for (const op of ["opened", "closed", "message", "counts", "lost"]) hear(op, (message) => board.take(message));
    hear("published", (message) => publisher.told(message));
    hear("link", (message) => linked(message));
    hear("neighbours", (message) => crowdIs(message));
    hear("error", ({ message }) => trouble(message));
    hear("gone", () => gone());
    board.onshow = (name) => clients.has(name) || connect(name);
    await Promise.all(bench.transports.filter(({ name }) => !board.hidden.has(name)).map(({ name }) => connect(name)));
    clock();
    clockTimer = setInterval(clock, 2000);
    bench.tell({ op: "link", ...link() });
    retune();
    host.dataset.bench = "open";
}

function close() {
    if (!bench) return;
    const old = bench;
    bench = null;
    clearInterval(clockTimer);
    publisher.stop();
    clients.clear();
    board.close();
    // Not awaited: clients behind a cable that was cut in silence take their time to say goodbye.
    old.close().catch(() => {});
}

function gone() {
    host.dataset.bench = "gone";
    trouble("The server ended this bench: it was not watched for ten seconds, or the server has stopped. Load the page again.");
}

async function reopen() {
    close();
    crowded = null;
    plugged = true;
    await open();
}

/** A client of one transport. */
async function connect(name) {
    const panel = board.panels.get(name);
    const mine = bench;
    const own = publisher;
    const client = await mine.client(name, { ...polling(), backoff: BACKOFF, hidden: "same" });
    if (mine !== bench) return;
    clients.set(name, client);
    const watch = () => {
        panel.becomes(client.state);
        recorder?.note({ state: { transport: name, state: client.state } });
    };
    client.onstate = (state, why) => {
        panel.becomes(state, why);
        recorder?.note({ state: { transport: name, state, why } });
    };
    client.onwelcome = ({ resumed }) => own.welcomed(panel, resumed);
    client.onevent = (event) => own.heard(name, panel, event);
    client.ongap = ({ missed }) => panel.gap(missed);
    watch();
    if (client.session) own.welcomed(panel, false);
}

// ---- What is turned ----

const relink = settled(() => bench?.tell({ op: "link", ...link() }), 80);
const retune = settled(() => {
    if (!bench) return;
    publisher.source({
        rate: knobs.rate.value, law: $("law").value, payload: knobs.payload.value, seed: Number($("seed").value) || 1, by: $("publisher").value,
    });
}, 150);
/** A client looks at its options before each poll. */
const repoll = settled(() => {
    for (const client of clients.values()) Object.assign(client.options, polling());
}, 150);
const crowd = settled(() => {
    if (!bench) return;
    const transport = $("crowd").value;
    if (crowded && crowded !== transport) bench.tell({ op: "neighbours", transport: crowded, count: 0 });
    crowded = transport;
    bench.tell({ op: "neighbours", transport, count: knobs.neighbours.value, interval_ms: knobs.interval.value });
}, 200);

for (const id of ["law", "seed", "publisher"]) $(id).addEventListener("change", () => retune());
$("pacing").addEventListener("change", () => repoll());
$("crowd").addEventListener("change", () => crowd());
for (const id of ["batching", "keep-alive"]) $(id).addEventListener("change", () => reopen());
$("settings").addEventListener("submit", (event) => event.preventDefault());

function choices() {
    for (const id of ["publisher", "crowd", "victim"]) {
        const select = $(id);
        const chosen = select.value;
        for (const old of select.querySelectorAll("[data-transport]")) old.remove();
        for (const { name } of bench.transports) {
            if (id === "publisher" && board.hidden.has(name)) continue;
            const text = id === "publisher" ? `this page, by ${called(name)}` : called(name);
            select.append(h("option", { value: name, "data-transport": name, text }));
        }
        if (chosen) select.value = chosen;
    }
}

for (const button of document.querySelectorAll("[data-preset]")) {
    button.addEventListener("click", () => {
        const preset = PRESETS[button.dataset.preset];
        for (const name of ["rate", "payload", "rtt", "jitter", "bandwidth", "interval"]) knobs[name].value = preset[name];
        $("law").value = preset.law;
        put($("preset-source"), preset.words);
        for (const other of document.querySelectorAll("[data-preset]")) other.setAttribute("aria-pressed", String(other === button));
        relink();
        retune();
        repoll();
    });
}

// ---- The cable ----

$("cable").addEventListener("click", () => bench?.tell({ op: "cable", plugged: !plugged }));

const CUTS = {
    reset: "Connections were reset: both ends know at once.",
    silence: "Nothing goes through the connections that were open, and nobody was told. Who notices, and when?",
    "half-open": "One end thinks that all is well.",
    "mid-message": "The next message will be cut off in its middle.",
    stall: "Everything stands still for a second, and then goes on.",
};
for (const button of document.querySelectorAll("[data-cut]")) {
    button.addEventListener("click", () => {
        const how = button.dataset.cut;
        const transport = $("victim").value;
        const whose = transport ? { transport } : {};
        bench?.tell(how === "stall" ? { op: "stall", ms: 1000 } : { op: "cut", how, ...whose });
        put($("cut-words"), CUTS[how]);
    });
}

function linked(state) {
    publisher.rtt = state.rtt_ms;
    plugged = state.plugged !== false;
    $("link").dataset.plugged = String(plugged);
    $("cable").setAttribute("aria-pressed", String(!plugged));
    put($("cable"), plugged ? "Cut the cable" : "Plug it in");
    const jitter = state.jitter_ms > 0 ? ` ± ${setting(state.jitter_ms)}` : "";
    const words = `${setting(state.rtt_ms / 2)}${jitter} each way, ${bandwidth(state.bandwidth_kbps)}`;
    put($("link-words"), plugged ? words : "Unplugged: connections are broken, new ones too.");
    // What is under way is told when it has arrived: the newest edge waits for it.
    if (board) board.timeline.lag = Math.min(1.2e6, (120 + state.rtt_ms / 2 + 2 * (state.jitter_ms ?? 0)) * 1000);
    recorder?.take([{ op: "link", ...state }]);
}

function crowdIs({ transport, connected, count }) {
    put($("crowd-words"), count === 0 ? "Real clients of the same server, beside the cable." : `${plural(connected, "client")} of ${count} connected by ${called(transport)}.`);
}

// ---- Keys ----

document.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || !/^[\p{L}\p{N}]$/u.test(event.key)) return;
    if (event.target.closest?.("input, select, textarea, dialog, [contenteditable]")) return;
    strike(event.key);
});
let turn = 0;
$("publish").addEventListener("click", () => strike("abcdefghijklmnopqrstuvwxyz"[turn++ % 26]));

function strike(key) {
    if (!bench) return;
    put($("struck"), `“${key}”`);
    publisher.strike(key, $("publisher").value);
}

// ---- Recording, and the rest ----

const record = h("button", { type: "button", "aria-pressed": "false", text: "Record", id: "record" });
record.addEventListener("click", () => {
    if (recorder) {
        recorder.save();
        recorder = null;
    } else recorder = new Recorder(bench, board, { link: { ...link(), plugged }, interval_ms: knobs.interval.value, rate: knobs.rate.value, law: $("law").value, payload: knobs.payload.value });
    publisher.recorder = recorder;
    record.setAttribute("aria-pressed", String(recorder !== null));
    put(record, recorder ? "Stop, and save the recording" : "Record");
});
const clear = h("button", { type: "button", text: "Clear the ages", click: () => [...board.panels.values()].forEach((panel) => panel.clear()) });

function clock() {
    const error = bench?.clockError;
    if (!Number.isFinite(error)) return;
    put($("clock-words"), `The two clocks are compared every few seconds, by asking: an age may be wrong by ${ms(error)}.`);
    host.dataset.uncertainty = error;
}

function trouble(words) {
    $("trouble").hidden = !words;
    put($("trouble"), words);
}

// What other modules of the page may want to look at, tests among them.
addEventListener("pagehide", () => bench?.close());
await open();
