// Lesson 11: how many connections a browser lets a page have.

import { lesson } from "/assets/lessons/lesson.js";
import { open, within } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, progress, signal, live, say } = run;
    const bench = await open(run, { link: { rtt_ms: 0 } });
    const streams = live.counter("sse", "event streams that opened", settings.streams);
    const sockets = live.counter("websocket", "WebSockets that opened", settings.websockets);

    say(`Opening ${settings.streams} event streams to one host and port, as so many tabs would.`);
    let opened = 0;
    bench.on("message", (message) => {
        // The head of a response that goes on: the stream is there, on the wire.
        if (message.transport === "sse" && message.continues) streams.set((opened += 1));
    });
    const tabs = [];
    for (let tab = 0; tab < settings.streams; tab += 1) {
        tabs.push(run.keep(await bench.client("sse", {})));
        // The last one gets time enough to be told from a slow one.
        const patience = tab < settings.streams - 1 ? 1500 : settings.patience_ms;
        await within(patience, () => opened > tab, signal);
        progress((tab + 1) / settings.streams / 2);
    }
    const atOnce = opened;

    say("The others wait in the browser: nothing of them has left it. Now one is closed.");
    // To say goodbye takes a connection too: the one that it frees.
    const goodbye = tabs[0].close();
    await within(8000, () => opened > atOnce, signal);
    const after = opened;
    await Promise.race([goodbye, within(2000, () => false, signal)]);

    say(`Opening ${settings.websockets} WebSockets to one host and port.`);
    let connected = 0;
    const clients = [];
    // A few at a time: Chromium slows down who asks for many at once.
    for (let begun = 0; begun < settings.websockets; begun += 5) {
        const few = [];
        for (let one = begun; one < Math.min(begun + 5, settings.websockets); one += 1) few.push(run.keep(await bench.client("websocket", {})));
        clients.push(...few);
        const allOpened = await within(3000, () => few.every((client) => client.state === "open"), signal);
        connected = clients.filter((client) => client.state === "open").length;
        sockets.set(connected);
        progress(0.5 + clients.length / settings.websockets / 2);
        if (!allOpened) break;
    }
    return { streams: atOnce, after, websockets: connected };
}, (figures) =>
    `${figures.streams} event streams opened and the next one waited without a word until one was closed; ${figures.websockets} WebSockets opened beside each other. A browser has six connections for a host and port over HTTP/1.1, and a stream or a held poll keeps one.`);
