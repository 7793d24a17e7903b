// The replay page: recordings that come with the course or from a file, and the readings of a result of the lab.

import { Board } from "/assets/lib/board.js";
import { h, put } from "/assets/lib/dom.js";
import { bandwidth, rate, setting } from "/assets/lib/format.js";
import { Player } from "/assets/lib/player.js";
import { readings } from "/assets/lib/readings.js";
import { parse } from "/assets/lib/recorder.js";

const $ = (id) => document.getElementById(id);

/** What is committed beside this page: made by its "Record" button. */
const COMMITTED = [
    ["ticker-100ms", "Four events a second, 100 ms there and back"],
    ["cut", "The cable is cut and plugged in again"],
];
const MOST_BYTES = 30e6;

/** @type {Player | null} */
let player = null;
/** @type {Board | null} */
let board = null;
let turns = 0;

for (const [name, title] of COMMITTED) $("recordings").append(h("option", { value: name, text: title }));
$("recordings").addEventListener("change", () => committed());
$("file").addEventListener("change", async () => {
    const [file] = $("file").files;
    if (!file) return;
    if (file.size > MOST_BYTES) return trouble(`${file.name} is larger than ${MOST_BYTES / 1e6} MB`);
    show(file.name, () => file.text());
});

async function committed() {
    const name = $("recordings").value;
    await show(`${name}.jsonl`, async () => {
        const answer = await fetch(`/assets/recordings/${name}.jsonl`);
        if (!answer.ok) throw new Error(`the server says ${answer.status}`);
        return answer.text();
    });
}

async function show(name, text) {
    trouble("");
    delete $("board").dataset.replay;
    const turn = (turns += 1);
    let recording;
    try {
        recording = parse(await text());
    } catch (error) {
        if (turn === turns) trouble(`${name} can't be played: ${error.message}`);
        return;
    }
    // Another one was chosen meanwhile.
    if (turn !== turns) return;
    player?.stop();
    board?.close();
    player = new Player(recording, () => moved());
    board = new Board($("board"), recording.head.transports, () => player.now());
    board.timeline.lag = 0;
    player.attach(board);
    put($("label"), label(recording));
    $("transport-controls").hidden = false;
    $("board").dataset.replay = name;
    moved();
}

/** When, with what, and what it shows: nobody should take it for something that happens now. */
function label({ head, entries }) {
    const { link = {}, interval_ms, rate: events, law } = head.settings ?? {};
    const seconds = (entries.at(-1).at_us - entries[0].at_us) / 1e6;
    const when = new Date(head.recorded_at);
    const words = [`Recorded on ${when.toISOString().slice(0, 16).replace("T", " ")} UTC with ${head.version ?? "an unnamed version"}`, `${seconds.toFixed(0)} s`];
    if (Number.isFinite(link.rtt_ms)) words.push(`round trip ${setting(link.rtt_ms)}, ${bandwidth(link.bandwidth_kbps)}`);
    if (Number.isFinite(interval_ms)) words.push(`polled every ${setting(interval_ms)}`);
    if (events > 0) words.push(`events: ${rate(events)}, ${law}`);
    return `${words.join("; ")}. Nothing of it happens now.`;
}

function moved() {
    put($("play"), player.playing ? "Stop" : "Play");
    const words = `${(Math.min(player.position, player.length) / 1e6).toFixed(1)} of ${(player.length / 1e6).toFixed(1)} s`;
    put(document.querySelector("output[for=position]"), words);
    $("position").setAttribute("aria-valuetext", words);
    $("position").value = String(Math.round((player.position / player.length) * 1000));
}

$("play").addEventListener("click", () => (player.playing ? player.stop() : player.play()));
$("position").addEventListener("input", () => player.seek((Number($("position").value) / 1000) * player.length));
$("speed").addEventListener("change", () => (player.speed = Number($("speed").value)));

function trouble(words) {
    $("trouble").hidden = !words;
    put($("trouble"), words);
}

await Promise.all([committed(), readings($("readings"), $("readings-label"))]);
