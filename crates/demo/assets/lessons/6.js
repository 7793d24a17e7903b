// Lesson 6: how old news is to somebody who asks on a clock.

import { lesson } from "/assets/lessons/lesson.js";
import { hear, mean, open, play, quantile, ready, wholeIntervals, within } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, progress, signal, live, say } = run;
    const bench = await open(run, { link: { rtt_ms: settings.rtt_ms } });
    const chart = live.ages(
        [{ name: "request-response", title: `a poll every ${settings.interval_ms} ms` }],
        settings.interval_ms + settings.rtt_ms * 1.5,
        settings.events / settings.rate + 2,
    );
    say("Connecting.");
    const options = { interval: settings.interval_ms, pacing: "rate" };
    const poller = await hear(bench, "request-response", options, (heard) => chart.add("request-response", heard.age));
    await ready(bench, [poller], signal);
    chart.begin = performance.now();
    say("Events come, by chance, and wait for the next poll.");
    const source = { rate: settings.rate, count: settings.events };
    const published = await play(bench, source, (count) => progress(count / settings.events), signal);
    await within(settings.interval_ms + 2000, () => poller.heard.at(-1)?.n >= published.at(-1).n, signal);
    const last = poller.heard.at(-1).at;
    // The last answer's interval had no events at its end: its ages would be too old.
    const ages = wholeIntervals(poller.heard).filter((heard) => heard.at < last - 5).map((heard) => heard.age);
    return { mean: mean(ages), median: quantile(ages, 0.5), p99: quantile(ages, 0.99) };
}, (figures) =>
    `On average news is half an interval old, plus the way down: ${Math.round(figures.mean)} ms. Every age from the way down to a whole interval more is equally likely: look at the flat histogram.`);
