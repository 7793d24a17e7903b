// A result of the lab as it was kept: medians over its trials, with their intervals. `recordings/tour-broadcast.json` holds figures of a folder of `results/`.

import { h, put } from "./dom.js";
import { called } from "./names.js";
import { bytes, ms, share } from "./format.js";

const RESULT = "/assets/recordings/tour-broadcast.json";

/** Metric, what it is, and how it is said. */
const COLUMNS = [
    ["delivery_age_p50_ns", "Age, median", (ns) => ms(ns / 1e6)],
    ["delivery_age_p99_ns", "Age, p99", (ns) => ms(ns / 1e6)],
    ["wire_bytes_per_message", "Bytes a message", bytes],
    ["server_cpu_us_per_message", "Server CPU a message", (us) => `${us.toPrecision(3)} µs`],
    ["useless_request_share", "Useless requests", share],
];

/** @param {HTMLElement} host @param {HTMLElement} label */
export async function readings(host, label) {
    let result;
    try {
        const answer = await fetch(RESULT);
        if (!answer.ok) throw new Error(`the server says ${answer.status}`);
        result = await answer.json();
    } catch (error) {
        put(label, `The readings can't be shown: ${error.message}`);
        return;
    }
    const when = result.started_utc.slice(0, 16).replace("T", " ");
    put(label, `Recorded on ${when} UTC with pushlab ${result.version} (${result.git_commit.slice(0, 7)}) on ${result.cpu_model}, without a network between: “${result.question}” ${result.trials} trials, polls every ${result.poll_interval.replace("ms", " ms")}, results/${result.folder}. Nothing of it happens now.`);
    const titles = ["Transport", ...COLUMNS.map(([, title]) => title)].map((text) => h("th", { scope: "col", text }));
    const rows = result.arms.map(({ arm, metrics }) => {
        const cells = COLUMNS.map(([metric, , words]) => {
            const value = metrics[metric];
            if (!value) return h("td", { text: "–" });
            const range = value.low === value.high ? "" : `${words(value.low)} to ${words(value.high)}`;
            return h("td", { "data-metric": metric, "data-median": value.median }, words(value.median), h("span.range", { text: range }));
        });
        return h("tr", { "data-transport": arm }, h("th", { scope: "row" }, h("span.transport", { text: called(arm) })), ...cells);
    });
    host.replaceChildren(h("table.readings", {}, h("thead", {}, h("tr", {}, ...titles)), h("tbody", {}, ...rows)));
}
