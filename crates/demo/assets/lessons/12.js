// Lesson 12: what the browser's own DEFLATE makes of real messages and of random bytes.

import { lesson } from "/assets/lessons/lesson.js";
import { hear, mean, open, payloadOf, play, ready, within } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, progress, signal, live, say } = run;
    const bench = await open(run, { link: { rtt_ms: 0 } });
    const messages = [];
    bench.on("message", (message) => {
        if (message.transport !== "websocket" || message.way !== "down") return;
        const text = payloadOf(message);
        if (text.includes('"event":"tick"')) messages.push(new TextEncoder().encode(text));
    });
    const before = live.counter("request-response", "bytes of the messages", settings.messages * 160);
    const one = live.counter("long-poll", "compressed one by one", settings.messages * 160);
    const all = live.counter("websocket", "compressed with one window", settings.messages * 160);
    say("Collecting real messages from a WebSocket.");
    const listener = await hear(bench, "websocket");
    await ready(bench, [listener], signal);
    const source = { rate: settings.rate, count: settings.messages, payload: 16 };
    await play(bench, source, (count) => progress((0.8 * count) / settings.messages), signal);
    await within(2000, () => messages.length >= settings.messages, signal);

    say("Compressing them in this page.");
    const size = messages.reduce((sum, message) => sum + message.length, 0);
    before.set(size);
    const begin = performance.now();
    const together = await deflated(messages);
    const time = ((performance.now() - begin) * 1000) / messages.length;
    all.set(together);
    let apart = 0;
    for (const message of messages) {
        apart += await deflated([message]);
        one.set(apart);
    }
    const added = [];
    for (let turn = 0; turn < 10; turn += 1) {
        const noise = crypto.getRandomValues(new Uint8Array(settings.random));
        added.push((await deflated([noise])) - noise.length);
    }
    return { json: 100 * (1 - together / size), alone: 100 * (1 - apart / size), random: mean(added), time };
}, (figures) =>
    `JSON that repeats itself shrinks by ${figures.json.toFixed(0)} % if the compressor remembers earlier messages, by ${figures.alone.toFixed(0)} % if each stands alone, and random bytes grow by ${figures.random.toFixed(0)}. Remembering is what costs a server memory for each connection.`);

/** How many bytes DEFLATE makes of these, one after the other. @param {Uint8Array[]} pieces */
async function deflated(pieces) {
    const compressor = new CompressionStream("deflate-raw");
    const reading = new Response(compressor.readable).arrayBuffer();
    const writer = compressor.writable.getWriter();
    for (const piece of pieces) writer.write(piece);
    await writer.close();
    return (await reading).byteLength;
}
