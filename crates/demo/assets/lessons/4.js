// Lesson 4: events that come faster than questions. Three benches at once, each with a rate of its own.

import { lesson } from "/assets/lessons/lesson.js";
import { allHeard, hear, mean, open, play, quantile, ready } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, progress, signal, live, say } = run;
    const rates = [1, 2, 3].map((place) => ({ rate: settings[`rate_${place}`], count: settings[`events_${place}`], place }));
    const seconds = Math.max(...rates.map(({ rate, count }) => count / rate));
    const total = rates.reduce((sum, { count }) => sum + count, 0);
    const published = new Map();
    say("Connecting.");

    const measure = async ({ rate, count, place }) => {
        const bench = await open(run, { link: { rtt_ms: settings.rtt_ms } });
        const lanes = [{ name: "long-poll", title: "long-poll" }, { name: "websocket", title: "WebSocket" }];
        const chart = live.ages(lanes, settings.rtt_ms * 2, (count / rate) * 1.3 + 1, `${rate} a second`);
        const listeners = [];
        for (const { name } of lanes) listeners.push(await hear(bench, name, {}, (heard) => chart.add(name, heard.age)));
        await ready(bench, listeners, signal);
        chart.begin = performance.now();
        say("Events come, by chance, at 1, 10 and 200 a second.");
        const events = await play(bench, { rate, count, seed: place }, (done) => {
            published.set(place, done / count);
            progress(Math.min(...rates.map((one) => published.get(one.place) ?? 0)));
        }, signal);
        await allHeard(listeners, events, 3000, signal);
        return listeners.map((listener) => listener.heard.map((heard) => heard.age));
    };
    const ages = await Promise.all(rates.map(measure));
    const figures = {};
    for (const [place, name] of ["1", "10", "200"].entries()) {
        const [polled, told] = ages[place];
        figures[`long-poll-${name}`] = mean(polled);
        figures[`websocket-${name}`] = mean(told);
    }
    figures["long-poll-200-p99"] = quantile(ages[2][0], 0.99);
    return figures;
}, (figures) =>
    `A WebSocket stays at one transit. A long-poll goes from one (${Math.round(figures["long-poll-1"])} ms at 1 a second) to two on average (${Math.round(figures["long-poll-200"])} ms at 200), and to three for the unlucky (${Math.round(figures["long-poll-200-p99"])} ms): the event that has just missed an answer waits for it to arrive, for the next question to come back, and for its own way down.`);
