// What a client in the browser is, whatever the wire. Each transport's module extends it by what its wire is
// like: how it lives through one connection (`live`), sends what waits (`flush`) and says goodbye (`farewell`).
// Everything else is here, once:
//
// - It stays connected until `close()`: a lost connection is tried again with back-off.
// - It counts what it received. That count, the *cursor*, is all that a server needs to go on after a cut with
//   exactly the messages that are missing; with the session's secret token it is a *ticket*, by which a page
//   goes on after a reload too.
// - Commands given while there is no connection wait, in order and not without bound.
//
// What was under way when a connection broke may or may not have been carried out: no wire can tell. Rooms are
// joined and left again, which does no harm. A message is never sent twice by this client; whoever must know
// whether it arrived listens for it himself, or asks (`request`): an answer also tells that all that was sent
// before it has been carried out.

import { Backoff, pause } from "./backoff.js";

/** Most commands that wait. */
const MOST_WAITING = 1_000;
/** How long a goodbye may take, in milliseconds. Sessions whose goodbye is lost end when their time is over. */
const MOST_FAREWELL = 3_000;

/** Why a connection is lost. If `isFinal`, it isn't tried again. */
export class Lost extends Error {
  constructor(message, { code = "lost", isFinal = false } = {}) {
    super(message);
    Object.assign(this, { code, isFinal });
  }
}

/** What the server says (`{"op":"error"}`) as a reason. Final if another page has the session: the two would fight. */
export const refusal = ({ code, message }) => new Lost(message, { code, isFinal: code === "conflict" });

export class Client {
  /**
   * The session is there: `resumed` if it is the one from before, with its rooms and all that was missed.
   * @type {(welcome: {session: string, resumed: boolean}) => void}
   */
  onwelcome = () => {};
  /** @type {(event: {event: string, from: string, data: any}) => void} */
  onevent = () => {};
  /** So many messages could not be kept for this client. @type {(gap: {missed: number}) => void} */
  ongap = () => {};
  /**
   * "connecting", "open", "waiting" (to try again) or "closed".
   * @type {(state: string, why?: string) => void}
   */
  onstate = () => {};
  /**
   * A command was refused; or, with the code "unknown", these may or may not have been carried out.
   * @type {(error: {code: string, message: string, commands?: object[]}) => void}
   */
  onerror = () => {};

  /** The session's public id: how others address it. @type {string | null} */
  session = null;
  /** The secret that makes the session one's own. */
  token = null;
  /** The cursor: how many messages this session has received. */
  received = 0;
  state = "connecting";

  /** Commands that wait, oldest first. */
  waiting = [];
  /** What is under way on the present connection ends when this is aborted. @type {AbortSignal} */
  signal;

  #rooms = new Set();
  /** Joins and leaves that were sent and of which nothing is known, by their room. */
  #unsettled = new Map();
  /** Requests without an answer, by their id. */
  #asked = new Map();
  #nextId = 1;
  #over = new AbortController();
  #connection = new AbortController();
  #backoff;

  /**
   * @param {string} url
   * @param {object} [options]
   * @param {{token: string, received: number}} [options.ticket]
   * @param {{first?: number, most?: number, jitter?: number}} [options.backoff]
   */
  constructor(url, options = {}) {
    this.url = url;
    this.options = options;
    this.#backoff = new Backoff(options.backoff);
    if (options.ticket) ({ token: this.token, received: this.received } = options.ticket);
    // Once whoever made this has set what is to be called.
    queueMicrotask(() => this.#stay());
  }

  /** What to keep for a reload: the next page's client goes on from here. */
  get ticket() {
    return this.token && { token: this.token, received: this.received };
  }

  join(room) {
    this.#give({ op: "join", room: named(room) });
    this.#rooms.add(room);
  }

  leave(room) {
    this.#give({ op: "leave", room: named(room) });
    this.#rooms.delete(room);
  }

  /** `to`: "everyone", "others", "sender", {room}, {"room-others"} or {session}. Throws if too much waits. */
  emit(to, event, data = null) {
    this.#give({ op: "emit", to, event: named(event), data });
  }

  /** The server's answer: the same data. Fails if no answer came; then nobody knows whether the request was carried out. */
  request(data = null) {
    return new Promise((resolve, reject) => {
      if (this.#asked.size >= MOST_WAITING) throw new Error("too many requests have no answer yet");
      const id = this.#nextId;
      this.#give({ op: "request", id, data });
      this.#nextId += 1;
      this.#asked.set(id, { resolve, reject });
    });
  }

  /** Ends the session for good. Whoever only goes away for a moment (a reload) keeps the ticket and closes nothing. */
  async close() {
    if (this.state === "closed") return;
    this.#stop("closed by the page");
    await Promise.race([this.farewell(), pause(MOST_FAREWELL, this.ending)]);
    this.#over.abort(new Lost("closed by the page"));
  }

  /** Stops and leaves the session be. Whoever has the ticket goes on with it, over another transport perhaps. */
  detach() {
    this.#end("left to another client");
    return this.ticket;
  }

  // What follows is for the transports' modules.

  /** Aborted at the end. */
  get ending() {
    return this.#over.signal;
  }

  /** Whether a reply is a counted message, which survives a cut, or only the answer to its request. */
  get repliesSurvive() {
    return true;
  }

  /** The server has let us in. */
  welcome({ session, token, resumed }) {
    if (this.state === "closed") return;
    Object.assign(this, { session, token });
    if (resumed) {
      this.waiting.unshift(...[...this.#unsettled.values()].map(({ command }) => command));
    } else {
      this.received = 0;
      this.#abandon("the session was lost");
      const given = new Set(this.waiting.map(({ room }) => room));
      const missing = [...this.#rooms].filter((room) => !given.has(room));
      this.waiting.unshift(...missing.map((room) => ({ op: "join", room })));
    }
    this.#unsettled.clear();
    this.#backoff.reset();
    this.become("open");
    this.#tell("onwelcome", { session, resumed });
    // What was asked before the cut and has no answer when this has one never got through.
    if (this.#unanswered().length > 0) this.request().catch(() => {});
    this.flush();
  }

  /** Takes a message. The cursor is moved first, so that a ticket kept by `onevent` includes the event. */
  take(message) {
    if (this.state === "closed") return;
    switch (message.op) {
      case "event":
        this.received += 1;
        this.#tell("onevent", message);
        break;
      case "reply":
        this.received += 1;
        this.answered(message.id, message.data);
        break;
      case "gap":
        this.received += message.missed;
        this.#tell("ongap", message);
        break;
      case "error":
        this.#tell("onerror", message);
    }
  }

  /** A request's answer. Commands keep their order, so what was sent before was carried out too, or never arrived. */
  answered(id, data) {
    for (const [other, { reject }] of this.#asked) {
      if (other >= id) break;
      this.#asked.delete(other);
      reject(new Error("no answer came"));
    }
    this.#asked.get(id)?.resolve(data);
    this.#asked.delete(id);
    for (const [room, { before }] of this.#unsettled) if (before <= id) this.#unsettled.delete(room);
  }

  /** A command is handed to a wire that won't say whether it arrived. */
  sent(command) {
    if (command.op !== "join" && command.op !== "leave") return;
    this.#unsettled.delete(command.room);
    this.#unsettled.set(command.room, { command, before: this.#nextId });
  }

  /** What was sent, and nobody knows whether it arrived or not. */
  unknown(commands, message) {
    this.waiting.unshift(...commands.filter(({ op }) => op === "join" || op === "leave"));
    const rest = commands.filter(({ op }) => op === "emit");
    if (rest.length > 0) this.#tell("onerror", { code: "unknown", message, commands: rest });
  }

  /** These were refused, so they weren't carried out. */
  refused(commands, { code, message }) {
    for (const { op, id } of commands) {
      if (op !== "request") continue;
      this.#asked.get(id)?.reject(new Error(message));
      this.#asked.delete(id);
    }
    this.#tell("onerror", { code, message, commands });
  }

  /** The present connection is of no use any more. */
  interrupt(why) {
    this.#connection.abort(why ?? new Lost("no longer wanted"));
  }

  become(state, why) {
    if (this.state === "closed" || (this.state === state && !why)) return;
    this.state = state;
    this.#tell("onstate", state, why);
  }

  /** From one connection to the next, until the end. */
  async #stay() {
    this.#tell("onstate", "connecting");
    while (this.state !== "closed") {
      this.#connection = new AbortController();
      this.signal = AbortSignal.any([this.#connection.signal, this.#over.signal]);
      let why;
      try {
        await this.live();
      } catch (error) {
        why = error;
      }
      this.interrupt(why);
      if (!this.repliesSurvive) this.#abandon("the connection was lost");
      if (why?.isFinal) return this.#end(why.message);
      this.become("waiting", why?.message ?? "the server ended the connection");
      await this.#backoff.wait(this.#over.signal);
      this.become("connecting");
    }
  }

  #give(command) {
    if (this.state === "closed") throw new Error("the client is closed");
    if (this.waiting.length >= MOST_WAITING) throw new Error("too many commands wait for a connection");
    // As it is now, whatever the page does to `data` later.
    this.waiting.push(JSON.parse(JSON.stringify(command)));
    if (this.state === "open") this.flush();
  }

  /** Requests that were sent get no answer any more. */
  #abandon(why) {
    for (const id of this.#unanswered()) {
      this.#asked.get(id).reject(new Error(why));
      this.#asked.delete(id);
    }
  }

  /** The ids of requests that were sent and have no answer. */
  #unanswered() {
    const waiting = new Set(this.waiting.map(({ id }) => id));
    return [...this.#asked.keys()].filter((id) => !waiting.has(id));
  }

  #end(why) {
    this.#stop(why);
    this.#over.abort(new Lost(why));
  }

  /** Nothing is said or heard any more. */
  #stop(why) {
    this.become("closed", why);
    this.waiting.length = 0;
    this.#abandon(why);
  }

  /** An error of the page's own is reported as such and disturbs nobody else. */
  #tell(name, ...words) {
    try {
      this[name](...words);
    } catch (error) {
      reportError(error);
    }
  }
}

/** Names of rooms and events have 1 to 256 bytes. */
function named(name) {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes < 1 || bytes > 256) throw new RangeError("a name has 1 to 256 bytes");
  return name;
}
