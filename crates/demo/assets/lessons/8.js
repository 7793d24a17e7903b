// Lesson 8: a thousand events a second, of which a reader wants the newest, once a second.

import { lesson } from "/assets/lessons/lesson.js";
import { hear, open, play, ready, within } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, progress, signal, live, say } = run;
    // A mailbox that holds one message, and the newest of a name in place of the older: what a gauge needs.
    const bench = await open(run, { slow_consumer: "conflate", mailbox: 1, link: { rtt_ms: 0 } });
    const seconds = settings.events / settings.rate;
    const asked = live.counter("request-response", "answers, polling", settings.events);
    const told = live.counter("websocket", "messages, WebSocket", settings.events);
    const bytes = { "request-response": 0, websocket: 0 };
    bench.on("counts", (counts) => {
        if (counts.transport in bytes) bytes[counts.transport] = counts.payload_down + counts.overhead_down;
    });
    say("Connecting.");
    let [polls, messages] = [0, 0];
    const poller = await hear(bench, "request-response", { interval: settings.interval_ms, pacing: "rate" }, () => asked.set((polls += 1)));
    const socket = await hear(bench, "websocket", {}, () => told.set((messages += 1)));
    await ready(bench, [poller, socket], signal);
    await within(500, () => false, signal);
    const before = { ...bytes };
    say(`${settings.rate} events a second for ${seconds.toFixed(0)} s.`);
    const source = { rate: settings.rate, law: "periodic", count: settings.events };
    const published = await play(bench, source, (count) => progress(count / settings.events), signal);
    await within(settings.interval_ms + 1000, () => poller.heard.at(-1)?.n >= published.at(-1).n, signal);
    await within(500, () => false, signal);
    const a_thousand = (heard) => ((heard.length - 1) * 1000) / (heard.at(-1).n - heard[0].n);
    return {
        // Between answers while the source ran: the last one came when it had ended.
        answers: a_thousand(poller.heard.slice(0, -1)),
        messages: a_thousand(socket.heard),
        bytes: (bytes.websocket - before.websocket) / (bytes["request-response"] - before["request-response"]),
    };
}, (figures) =>
    `For 1,000 events the poller got ${figures.answers.toFixed(1)} answer, which had the newest, and the WebSocket ${Math.round(figures.messages)} messages and ${figures.bytes.toFixed(0)} times the bytes. A reader who looks once a second sees the same.`);
