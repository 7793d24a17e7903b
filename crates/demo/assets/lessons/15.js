// Lesson 15: two hundred WebSockets lose their connection at the same moment, and come back.

import { lesson } from "/assets/lessons/lesson.js";
import { open, pause, within } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, progress, signal, live, say } = run;
    const whole = settings.jitter_ms + 6000;
    const charts = {
        spread: live.storm("websocket", "with jitter: attempts that reached the server, each 100 ms", whole),
        calls: live.storm("long-poll", "without: attempts of this page, each 100 ms", whole),
        arrived: live.storm("sse", "without: attempts that reached the server, each 100 ms", whole),
    };
    const spread = await storm(run, settings.jitter_ms, (share) => progress(share / 2), charts.spread, null);
    const atOnce = await storm(run, 0, (share) => progress(0.5 + share / 2), charts.arrived, charts.calls);
    say("");
    return { spread: fullest(spread.arrived), "at-once": fullest(atOnce.calls), arrived: fullest(atOnce.arrived) };

    async function storm({ keep }, jitter, progress, arrivals, attempts) {
        const bench = await open(run, { link: { rtt_ms: 0 } });
        const [arrived, calls] = [[], []];
        let cutAt = Infinity;
        bench.on("opened", ({ transport, at_us }) => {
            if (transport !== "websocket" || at_us < cutAt) return;
            arrived.push((at_us - cutAt) / 1000);
            arrivals.add((at_us - cutAt) / 1000);
        });
        const clients = [];
        say(`Opening ${settings.clients} WebSockets.`);
        // A few at a time: Chromium slows down who asks for many at once.
        for (let begun = 0; begun < settings.clients; begun += 8) {
            const few = [];
            for (let one = begun; one < Math.min(begun + 8, settings.clients); one += 1) {
                few.push(keep(await bench.client("websocket", { backoff: { first: 500, most: 30_000, jitter } })));
            }
            clients.push(...few);
            if (!(await within(10_000, () => few.every((client) => client.state === "open"), signal))) {
                throw new Error(`only ${clients.filter((client) => client.state === "open").length} WebSockets opened`);
            }
            progress((0.4 * clients.length) / settings.clients);
        }
        for (const client of clients) {
            client.onstate = (state) => {
                if (state !== "connecting") return;
                const at = (bench.fromPage(performance.now()) - cutAt) / 1000;
                calls.push(at);
                attempts?.add(at);
            };
        }
        await pause(100);
        say(jitter ? `Cut! Each waits for a random time up to ${jitter / 1000} s.` : "Cut! Each comes back at once.");
        cutAt = bench.fromPage(performance.now());
        bench.tell({ op: "cut", how: "reset", transport: "websocket" });
        const back = () => arrived.length >= settings.clients;
        const begin = performance.now();
        const ticking = setInterval(() => progress(0.4 + Math.min(0.6, ((performance.now() - begin) / whole) * 0.6)), 200);
        keep({ close: () => clearInterval(ticking) });
        await within(whole + 6000, back, signal);
        clearInterval(ticking);
        // A page has 255 in all: these make room for the next ones.
        for (const client of clients) client.onstate = () => {};
        await Promise.race([Promise.all(clients.map((client) => client.close())), pause(3000)]);
        return { arrived, calls };
    }
}, (figures) =>
    `Spread over five seconds, at most ${figures.spread} come within one. Without, this page tries ${figures["at-once"]} times within the first second; Chromium itself holds a page back and lets ${figures.arrived} out. Other clients don't: the lab's native ones are in the last column.`);

/** Most within a second: seconds counted from the cut. @param {number[]} times ms */
function fullest(times) {
    const seconds = new Map();
    for (const time of times) seconds.set(Math.floor(time / 1000), (seconds.get(Math.floor(time / 1000)) ?? 0) + 1);
    return Math.max(0, ...seconds.values());
}
