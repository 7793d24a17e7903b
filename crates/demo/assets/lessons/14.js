// Lesson 14: what comes between an answer and the next question, with a cursor and without.

import { lesson } from "/assets/lessons/lesson.js";
import { hear, open, play, ready, within } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, progress, signal, live, say } = run;
    const total = settings.events * settings.tries;
    const published = live.counter("request-response", "published", total);
    const without = live.counter("long-poll", "heard without a cursor", total);
    const withOne = live.counter("websocket", "heard with a cursor", total);
    say("Connecting.");
    let [all, bare, sure] = [0, 0, 0];
    const counts = new Map();
    const measure = async (seed) => {
        const bench = await open(run, { link: { rtt_ms: settings.rtt_ms } });
        const forgetful = await hear(bench, "long-poll", { cursor: false }, () => without.set((bare += 1)));
        const careful = await hear(bench, "long-poll", { cursor: true }, () => withOne.set((sure += 1)));
        await ready(bench, [forgetful, careful], signal);
        say("Events come, by chance; each long-poll is away for a round trip after each answer.");
        const source = { rate: settings.rate, count: settings.events, seed };
        await play(bench, source, (count) => {
            published.set((all += 1));
            counts.set(seed, count);
            const least = Math.min(...Array.from({ length: settings.tries }, (_, place) => counts.get(place + 1) ?? 0));
            progress(least / settings.events);
        }, signal);
        await within(3000, () => careful.heard.length >= settings.events, signal);
        // Whole cycles: what came after the first event that it heard, up to the last one.
        const numbers = forgetful.heard.map((heard) => heard.n);
        const expected = numbers.at(-1) - numbers[0];
        return { expected, heard: numbers.length - 1, missing: settings.events - new Set(careful.heard.map((heard) => heard.n)).size };
    };
    const tries = await Promise.all(Array.from({ length: settings.tries }, (_, place) => measure(place + 1)));
    const sum = (of) => tries.reduce((sum, one) => sum + of(one), 0);
    const expected = sum((one) => one.expected);
    return {
        cursor: (100 * sum((one) => one.missing)) / total,
        "no-cursor": (100 * (expected - sum((one) => one.heard))) / expected,
    };
}, (figures) =>
    `Without a cursor ${figures["no-cursor"].toFixed(0)} % of all events are lost, in silence: nothing on the page is red. With one, ${figures.cursor.toFixed(0)} %: the next question says how far the last answer came, and the server still has the rest.`);
