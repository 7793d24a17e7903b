// Lesson 2: how long a message is on its way up, over a connection that is there and over one that is opened for it.

import { lesson } from "/assets/lessons/lesson.js";
import { open, pause, payloadOf, quantile, within } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, progress, signal, live, say } = run;
    const titles = [
        { name: "request-response#fresh", title: "a fresh connection" },
        { name: "request-response#tls", title: "fresh, with TLS 1.3's round trip" },
        { name: "long-poll", title: "a kept connection, POST" },
        { name: "websocket", title: "WebSocket" },
    ];
    const most = settings.rtt_ms * 3;
    const chart = live.ages(titles, most, 10, "Each dot is a message: how long it took from this page to the server");
    const kept = await open(run, { link: { rtt_ms: settings.rtt_ms } });
    // Here the server ends the connection with each answer, so each message has to open one.
    const closing = await open(run, { keep_alive: false, link: { rtt_ms: settings.rtt_ms, set_up: settings.set_up_tcp } });

    const ages = Object.fromEntries(titles.map(({ name }) => [name, []]));
    let done = 0;
    const total = settings.messages * titles.length;
    const send = async (way, name) => {
        for (let turn = 0; turn < settings.messages; turn += 1) {
            const age = await way.send();
            ages[name].push(age);
            chart.add(name, age);
            progress((done += 1) / total);
            // A new question must not find the old answer under way.
            await pause(settings.rtt_ms * 1.5);
        }
    };

    say("Connecting, and asking once what a browser asks once (the preflights).");
    const post = await way(kept, "long-poll", signal);
    const socket = await way(kept, "websocket", signal);
    const fresh = await way(closing, "request-response", signal);
    say("Sending.");
    await Promise.all([
        send(post, "long-poll"),
        send(socket, "websocket"),
        send(fresh, "request-response#fresh").then(async () => {
            // TLS 1.3 agrees on keys in one round trip more; the link takes it, though nothing is encrypted here.
            closing.tell({ op: "link", rtt_ms: settings.rtt_ms, set_up: settings.set_up_tls });
            await pause(300);
            await send(fresh, "request-response#tls");
        }),
    ]);
    const middle = (name) => quantile(ages[name], 0.5);
    return {
        fresh: middle("request-response#fresh"),
        websocket: middle("websocket"),
        kept: middle("long-poll"),
        tls: middle("request-response#tls"),
        ratio: middle("request-response#fresh") / middle("websocket"),
    };
}, (figures) =>
    `A fresh connection takes ${Math.round(figures.fresh)} ms, but a POST over a kept one ${Math.round(figures.kept)} ms and a WebSocket ${Math.round(figures.websocket)} ms: the gain is the kept connection's, which HTTP has had since 1997.`);

/** A client whose messages are timed: sent by the page's clock, arrived by the relay's at the server's end. */
async function way(bench, transport, signal) {
    const arrivals = new Map();
    let next = 0;
    // No polls of its own between the messages: they would open connections too.
    const client = await bench.client(transport, { interval: 3_600_000 });
    bench.on("message", (message) => {
        if (message.transport !== transport || message.way !== "up" || message.preflight) return;
        const number = payloadOf(message).match(/"way":(\d+)/)?.[1];
        if (number) arrivals.set(Number(number), message.arrived_us);
    });
    const way = {
        async send() {
            const number = (next += 1);
            const sent = bench.fromPage(performance.now());
            client.emit("sender", "way", { way: number });
            if (!(await within(8000, () => arrivals.has(number), signal))) throw new Error(`a message by ${transport} did not arrive`);
            return (arrivals.get(number) - sent) / 1000;
        },
    };
    await within(5000, () => client.state === "open", signal);
    await way.send();
    await pause(400);
    return way;
}
