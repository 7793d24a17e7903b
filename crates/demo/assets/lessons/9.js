// Lesson 9: what a fresh connection for each poll costs depends on what "every 400 ms" means. Four pollers at once.

import { lesson } from "/assets/lessons/lesson.js";
import { hear, mean, open, play, ready, wholeIntervals, within } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, progress, signal, live, say } = run;
    const pollers = [
        { name: "delay-kept", title: "fixed delay, kept", colour: "request-response#kept", pacing: "delay", keep_alive: true },
        { name: "delay-fresh", title: "fixed delay, fresh", colour: "websocket#fresh", pacing: "delay", keep_alive: false },
        { name: "rate-kept", title: "fixed rate, kept", colour: "request-response#kept", pacing: "rate", keep_alive: true },
        { name: "rate-fresh", title: "fixed rate, fresh", colour: "websocket#fresh", pacing: "rate", keep_alive: false },
    ];
    const seconds = settings.events / settings.rate;
    const most = settings.interval_ms + settings.rtt_ms * 4;
    const charts = Object.fromEntries(["delay", "rate"].map((pacing) => {
        const lanes = pollers.filter((poller) => poller.pacing === pacing).map(({ colour, title }) => ({ name: colour, title }));
        const title = pacing === "delay" ? "A fixed delay after each answer" : "A fixed rate, by the clock";
        return [pacing, live.ages(lanes, most, seconds + 2, title, settings.events * 2)];
    }));
    say("Connecting.");
    const shares = new Map();
    const measure = async ({ name, colour, pacing, keep_alive }) => {
        const link = { rtt_ms: settings.rtt_ms, set_up: settings.set_up_tls };
        const bench = await open(run, { keep_alive, link });
        const chart = charts[pacing];
        const options = { interval: settings.interval_ms, pacing };
        const listener = await hear(bench, "request-response", options, (heard) => chart.add(colour, heard.age));
        await ready(bench, [listener], signal);
        chart.begin = performance.now();
        say("Events come, by chance, to four pollers.");
        const source = { rate: settings.rate, count: settings.events };
        const published = await play(bench, source, (count) => {
            shares.set(name, count / settings.events);
            progress(Math.min(...pollers.map((poller) => shares.get(poller.name) ?? 0)));
        }, signal);
        await within(most + 2000, () => listener.heard.at(-1)?.n >= published.at(-1).n, signal);
        const last = listener.heard.at(-1).at;
        return mean(wholeIntervals(listener.heard).filter((heard) => heard.at < last - 5).map((heard) => heard.age));
    };
    const [delayKept, delayFresh, rateKept, rateFresh] = await Promise.all(pollers.map(measure));
    return {
        "delay-kept": delayKept,
        "delay-fresh": delayFresh,
        "delay-added": delayFresh - delayKept,
        "rate-added": rateFresh - rateKept,
    };
}, (figures) =>
    `Two more round trips for each poll add ${Math.round(figures["delay-added"])} ms of age to who waits a fixed time after each answer, for the interval grows by them, and ${Math.round(figures["rate-added"])} ms to who asks on a clock.`);
