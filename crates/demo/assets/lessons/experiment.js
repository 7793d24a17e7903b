// What experiments have in common: benches, listeners, a source, and waiting for what must happen.

import { openBench } from "/assets/lib/bench.js";

/**
 * @typedef {object} Heard an event of the source, as a client heard it
 * @property {number} n its number @property {number} published_us when, by the lab's clock
 * @property {number} at when it was heard, by the page's clock, ms @property {number} age ms between both
 */

/**
 * A bench that is closed with the run.
 * @param {import("./lesson.js").Run} run @param {object} settings
 */
export async function open(run, settings) {
    return run.keep(await openBench(settings));
}

/**
 * A client that keeps what it hears of the source.
 * @param {any} bench @param {string} transport @param {object} [options] @param {(heard: Heard) => void} [each]
 */
export async function hear(bench, transport, options = {}, each = () => {}) {
    const client = await bench.client(transport, options);
    const listener = { transport, client, /** @type {Heard[]} */ heard: [], probes: 0 };
    client.onevent = ({ event, data }) => {
        const at = performance.now();
        if (event === "probe") listener.probes += 1;
        if (event !== "tick") return;
        const heard = { n: data.n, published_us: data.at_us, at, age: (bench.fromPage(at) - data.at_us) / 1000 };
        listener.heard.push(heard);
        each(heard);
    };
    return listener;
}

/** Waits until each client hears what is said: it is connected, has joined the room, and its browser has asked what it must ask once. */
export async function ready(bench, listeners, signal) {
    while (listeners.some((listener) => listener.probes === 0)) {
        bench.tell({ op: "publish", event: "probe", data: null });
        const heard = () => listeners.every((listener) => listener.probes > 0);
        await within(1500, heard, signal);
    }
}

/**
 * Lets the bench's source publish, and waits until it has published everything.
 * @param {any} bench @param {{rate: number, count: number, law?: string, payload?: number, seed?: number}} source
 * @param {(published: number) => void} progress @param {AbortSignal} signal
 * @returns {Promise<{n: number, at_us: number}[]>} what was published
 */
export async function play(bench, source, progress, signal) {
    const published = [];
    bench.on("published", ({ n, at_us, event }) => {
        if (event !== "tick") return;
        published.push({ n, at_us });
        progress(published.length);
    });
    bench.tell({ op: "source", law: "poisson", payload: 64, seed: 1, burst: 1, ...source });
    // A source by chance takes longer than its mean, rarely by half.
    const patience = ((source.count / source.rate) * 3 + 15) * 1000;
    if (!(await within(patience, () => published.length >= source.count, signal))) {
        throw new Error(`the source published ${published.length} of ${source.count} events`);
    }
    return published;
}

/** Waits until something is true, at most so many ms; whether it is. */
export async function within(ms, condition, signal) {
    const end = performance.now() + ms;
    while (!condition()) {
        if (signal?.aborted) throw new Error("the page was left");
        if (performance.now() > end) return false;
        await pause(20);
    }
    return true;
}

/** @param {number} ms */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The last event of the source is there; or so many ms have passed, since a client may have lost it. */
export const allHeard = (listeners, published, ms, signal) =>
    within(ms, () => listeners.every((listener) => listener.heard.at(-1)?.n >= published.at(-1).n), signal);

/** @param {number[]} values */
export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** @param {number[]} values @param {number} share from 0 to 1 */
export function quantile(values, share) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** Of a poller: events of whole intervals, since a part of one has other ages. All of an answer are heard at once. @param {Heard[]} heard */
export function wholeIntervals(heard) {
    const first = heard[0]?.at;
    const second = heard.find((event) => event.at > first + 5)?.at ?? Infinity;
    return heard.filter((event) => event.at >= second);
}

/** @param {any} message a message on the wire @returns {string} what was in it */
export const payloadOf = (message) => (message.parts ?? []).filter((part) => part.role === "payload").map((part) => part.text ?? "").join("");
