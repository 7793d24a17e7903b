// Lesson 3: rare events, by long-poll and by WebSocket, side by side.

import { lesson } from "/assets/lessons/lesson.js";
import { allHeard, hear, mean, open, play, ready } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, progress, signal, live, say } = run;
    const lanes = [{ name: "long-poll", title: "long-poll" }, { name: "websocket", title: "WebSocket" }];
    const bench = await open(run, { link: { rtt_ms: settings.rtt_ms } });
    say("Connecting.");
    const chart = live.ages(lanes, settings.rtt_ms * 2, settings.events / settings.rate + 1);
    const listeners = [];
    for (const { name } of lanes) listeners.push(await hear(bench, name, {}, (heard) => chart.add(name, heard.age)));
    await ready(bench, listeners, signal);
    say(`An event every ${Math.round(1000 / settings.rate)} ms.`);
    const source = { rate: settings.rate, law: "periodic", count: settings.events };
    const published = await play(bench, source, (count) => progress(count / settings.events), signal);
    await allHeard(listeners, published, 3000, signal);
    const [polled, told] = listeners.map((listener) => mean(listener.heard.map((heard) => heard.age)));
    return { "long-poll": polled, websocket: told, ratio: polled / told };
}, (figures) =>
    `Both are one way down the link: ${Math.round(figures["long-poll"])} and ${Math.round(figures.websocket)} ms. As long as the next event comes later than the next question, a long-poll is as fast as a WebSocket.`);
