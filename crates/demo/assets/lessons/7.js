// Lesson 7: polls that find nothing. News every five seconds, a poll every tenth of one: the published ratio, ten times as fast.

import { lesson } from "/assets/lessons/lesson.js";
import { hear, open, play, ready, within } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, progress, signal, live, say } = run;
    const bench = await open(run, { link: { rtt_ms: 0 } });
    const period = 1000 / settings.rate;
    const most = ((settings.events + 1) * period) / settings.interval_ms;
    const all = live.counter("request-response", "polls", most);
    const useless = live.counter("long-poll", "found nothing", most);
    const news = live.counter("websocket", "brought news", most);
    // The answers of each interval between two pieces of news, as the relay saw them.
    const answers = [];
    bench.on("message", (message) => {
        if (message.transport !== "request-response" || message.kind !== "response" || message.preflight) return;
        const isPoll = message.useless || payloadIsNews(message);
        if (!isPoll) return;
        answers.push(message.useless ? 0 : 1);
        all.set(answers.length);
        useless.set(answers.filter((brought) => !brought).length);
        news.set(answers.filter((brought) => brought).length);
    });
    say("Connecting.");
    const poller = await hear(bench, "request-response", { interval: settings.interval_ms, pacing: "rate" });
    await ready(bench, [poller], signal);
    answers.length = 0;
    say(`Polling every ${settings.interval_ms} ms; there is news every ${(period / 1000).toFixed(1)} s.`);
    const begin = performance.now();
    const length = settings.events * period;
    const ticking = setInterval(() => progress(Math.min(0.99, (performance.now() - begin) / length)), 200);
    run.keep({ close: () => clearInterval(ticking) });
    await play(bench, { rate: settings.rate, law: "periodic", count: settings.events, seed: 1 }, () => {}, signal);
    await within(3000, () => answers.filter((brought) => brought).length >= settings.events, signal);
    // Whole periods: from one piece of news to the last one.
    const [first, last] = [answers.indexOf(1), answers.lastIndexOf(1)];
    const between = last - first;
    const brought = settings.events - 1;
    return { useless: (100 * (between - brought)) / between, each: between / brought };
}, (figures) =>
    `${figures.useless.toFixed(1)} % of all polls found nothing; each piece of news took ${figures.each.toFixed(0)} of them. Those are not broken, they are what asking on a clock means: 1 − T/P.`);

/** An answer with events in it, not one to a command. */
function payloadIsNews(message) {
    return (message.parts ?? []).some((part) => part.role === "payload" && part.text?.includes('"event":"tick"'));
}
