// Lesson 1: the headers that were printed, replayed and counted; then those of the reader's own browser.

import { lesson } from "/assets/lessons/lesson.js";
import { hear, mean, open, payloadOf, play, ready, within } from "/assets/lessons/experiment.js";

lesson(async (run) => {
    const { settings, signal, progress, say, live } = run;
    say("The lab replays 25 polls with the printed headers, and 25 WebSocket messages, over a socket of its own.");
    const replaying = fetch("/replays/quantum-leap", { method: "POST", signal });
    const bar = live.counter("request-response", "headers of a poll by this browser", 1500);
    const small = live.counter("websocket", "headers of a WebSocket message", 1500);

    const bench = await open(run, { link: { rtt_ms: 0 } });
    const [polls, messages] = [[], []];
    const heads = new Map();
    bench.on("message", (message) => {
        if (message.transport === "request-response" && message.kind === "request" && message.title.startsWith("GET /events")) {
            heads.set(`${message.connection}/${message.exchange}`, message.overhead);
        } else if (message.transport === "request-response" && message.kind === "response") {
            // What is before the body of the answer, and the whole question, which has none.
            const question = heads.get(`${message.connection}/${message.exchange}`);
            if (question !== undefined) polls.push(question + message.overhead);
            if (polls.length) bar.set(mean(polls), `${Math.round(mean(polls))} B`);
        } else if (message.transport === "websocket" && message.way === "down" && payloadOf(message).includes('"event":"tick"')) {
            messages.push(message.overhead);
            small.set(mean(messages), `${mean(messages).toFixed(0)} B`);
        }
    });
    const listeners = [
        await hear(bench, "request-response", { interval: settings.interval_ms }),
        await hear(bench, "websocket"),
    ];
    await ready(bench, listeners, signal);
    await play(bench, { rate: 5, law: "periodic", count: settings.polls, payload: settings.pad }, (count) => progress(count / settings.polls / 2), signal);
    await within(3000, () => polls.length >= settings.polls && messages.length >= settings.polls, signal);

    say("Waiting for the replay.");
    const answer = await replaying;
    const replay = await answer.json();
    if (!answer.ok) throw new Error(replay.message);
    return {
        headers: replay.heads,
        frames: replay.printed / replay.frame,
        ip: replay.poll_ip / replay.message_ip,
        traffic: (replay.heads * 8 * 100_000) / 1e6,
        browser: mean(polls),
        message: mean(messages),
    };
}, (figures) =>
    `The headers are as large as they were said to be, and larger. But a message of 2 header bytes still travels in packets that have 52 of their own: what a cable carries differs ${figures.ip.toFixed(0)} to 1, not 500 to 1. Your own browser's poll has ${Math.round(figures.browser)} bytes of headers.`);
