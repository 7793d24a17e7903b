// Lesson 5: one event an answer, or all that wait. The same rate, the same link; one server batches and the other doesn't.

import { lesson } from "/assets/lessons/lesson.js";
import { allHeard, hear, mean, open, play, ready } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, progress, signal, live, say } = run;
    const seconds = settings.events / settings.rate;
    say("Connecting.");
    const chart = live.ages([
        { name: "request-response", title: "long-poll, one event an answer" },
        { name: "long-poll", title: "long-poll, all that wait" },
        { name: "websocket", title: "WebSocket" },
    ], settings.rtt_ms * 1.5 + seconds * 250, seconds * 1.3);

    const measure = async (batching, lanes) => {
        const bench = await open(run, { batching, link: { rtt_ms: settings.rtt_ms } });
        const listeners = [];
        for (const { name, shown } of lanes) listeners.push(await hear(bench, name, {}, (heard) => chart.add(shown, heard.age)));
        await ready(bench, listeners, signal);
        chart.begin = performance.now();
        say(`An event every ${Math.round(1000 / settings.rate)} ms; a question takes ${settings.rtt_ms} ms to come back.`);
        const source = { rate: settings.rate, law: "periodic", count: settings.events };
        const published = await play(bench, source, (count) => progress(count / settings.events), signal);
        // Without batching the last ones are seconds away, and need not come: the line is drawn through those that did.
        await allHeard(listeners, published, batching ? 3000 : 200, signal);
        return listeners.map((listener) => listener.heard);
    };
    const [[single], [batched, told]] = await Promise.all([
        measure(false, [{ name: "long-poll", shown: "request-response" }]),
        measure(true, [{ name: "long-poll", shown: "long-poll" }, { name: "websocket", shown: "websocket" }]),
    ]);
    return {
        // The first ones meet a question that is waiting already.
        growth: slope(single.slice(2)) * 1000,
        batched: Math.max(...batched.map((heard) => heard.age)),
        websocket: mean(told.map((heard) => heard.age)),
    };
}, (figures) =>
    `One event an answer falls behind by ${Math.round(figures.growth)} ms every second, without end. The same long-poll with all that waits in one answer stays below ${Math.round(figures.batched)} ms. It was never the transport: it was the missing batch.`);

/** Of ages by the times at which they were heard: least squares. @param {import("./experiment.js").Heard[]} heard */
function slope(heard) {
    const [at, age] = [mean(heard.map((event) => event.at)), mean(heard.map((event) => event.age))];
    const up = heard.reduce((sum, event) => sum + (event.at - at) * (event.age - age), 0);
    return up / heard.reduce((sum, event) => sum + (event.at - at) ** 2, 0);
}
