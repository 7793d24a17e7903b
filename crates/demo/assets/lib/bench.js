// A bench: servers of every transport, each behind a cable of one's own that can be looked at, slowed down and pulled.
//
// The page orders one from the server that it came from, watches it by a WebSocket, and tells it what to do by the same. What the page's
// clients say to the servers goes through the cables, and whatever passes there is told: nothing that is drawn of it is made up here.

/**
 * A transport as the bench offers it.
 * @typedef {{name: string, title: string, port: number, path: string, scheme: string, module: string}} Transport
 */

/**
 * What a page can order; everything has a default.
 * @typedef {object} Settings
 * @property {"own" | "common"} [hub] servers of one's own, or those where all pages meet
 * @property {boolean} [batching] whether all that waits for a client goes out together (own servers only)
 * @property {boolean} [keep_alive] whether a connection serves many requests (own servers only)
 * @property {"disconnect" | "drop-oldest" | "conflate"} [slow_consumer] what becomes of who doesn't keep up (own servers only)
 * @property {number} [mailbox] how many messages are kept for a client (own servers only)
 * @property {{rtt_ms?: number, jitter_ms?: number, law?: string, bandwidth_kbps?: number | null, set_up?: number, seed?: number}} [link]
 */

/**
 * Orders a bench, watches it, and compares its clock with the page's.
 *
 * Nothing is handed to handlers before whoever awaits this has had the time to set them.
 *
 * @param {Settings} [settings]
 * @returns {Promise<Bench>} fails if there is none to be had, with the reason
 */
export async function openBench(settings = {}) {
  const answer = await fetch("/benches", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(settings),
  });
  const made = await answer.json();
  if (!answer.ok) throw new Error(made.message);
  const bench = new Bench(made);
  await bench.begin();
  return bench;
}

/** Questions for the time at the beginning, and between two later ones, milliseconds. */
const CLOCK_QUESTIONS = 8;
const CLOCK_EVERY = 5_000;
/** Answers that are kept: clocks drift, by some milliseconds a minute. */
const CLOCK_ANSWERS = 24;
/** How often a broken watch is tried again, and after how many milliseconds. A bench lives for ten seconds unwatched. */
const ATTEMPTS = 8;
const PAUSE = 1_000;

class Bench {
  /** Its name. @type {string} */
  id;
  /** Whose servers: "own" or "common". @type {string} */
  hub;
  /** @type {Transport[]} */
  transports;

  #handlers = new Map();
  #clients = new Set();
  /** @type {WebSocket | undefined} */
  #socket;
  /** Of recent answers to the clock's question: how long it took (ms), and the bench's time less the page's (us). */
  #clocks = [];
  #early = [];
  #isOver = false;
  #timer;

  constructor({ bench, hub, transports }) {
    Object.assign(this, { id: bench, hub, transports });
  }

  /** Watches, and finds out what time it is there. For {@link openBench}. */
  async begin() {
    await this.#watch();
    for (let question = 0; question < CLOCK_QUESTIONS; question += 1) await this.#askClock();
    this.#timer = setInterval(() => this.tell({ op: "clock", at: performance.now() }), CLOCK_EVERY);
    // After whoever waits for this bench has gone on, and set its handlers.
    setTimeout(() => {
      const early = this.#early;
      this.#early = null;
      early.forEach((message) => this.#hand(message));
    });
  }

  /**
   * Tells the bench to do something: {op: "link", …}, {op: "cable", plugged}, {op: "cut", how, transport}, {op: "stall", ms},
   * {op: "source", …}, {op: "publish", event, data}, {op: "neighbours", …}.
   *
   * @param {{op: string}} what
   * @returns {boolean} false if there is nobody to tell
   */
  tell(what) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(what));
    return true;
  }

  /**
   * Calls `handler` with each message of that kind from now on: "opened", "closed", "message", "counts", "published", "lost", "link",
   * "source", "neighbours", "skipped", "error"; and "gone" if the bench has ended without our doing.
   *
   * @param {string} op
   * @param {(message: any) => void} handler
   * @returns {() => void} ends it
   */
  on(op, handler) {
    const handlers = this.#handlers.get(op) ?? new Set();
    this.#handlers.set(op, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  /** When on the page's clock it is so many microseconds on the bench's: as performance.now(), in ms. */
  toPage(us) {
    return (us - this.#offset) / 1_000;
  }

  /** The other way round: microseconds of the bench's clock. */
  fromPage(ms) {
    return ms * 1_000 + this.#offset;
  }

  /** How far the two clocks may be taken for more apart or less than they are: half of the fastest answer's time, ms. */
  get clockError() {
    return this.#clock.took / 2;
  }

  /** Where the clients of a transport connect to. */
  urlOf(name) {
    const { scheme, port, path } = this.#transport(name);
    return `${scheme}://${location.hostname}:${port}${path}`;
  }

  /**
   * A client of a transport, through its cable, in the room where source and publishes are heard. It connects by itself and stays so.
   *
   * @param {string} name
   * @param {object} [options] of the transport's module
   */
  async client(name, options = {}) {
    const { connect } = await import(this.#transport(name).module);
    const client = connect(this.urlOf(name), options);
    this.#clients.add(client);
    client.join("bench");
    return client;
  }

  /** Ends the clients that were made here and gives the bench back. */
  async close() {
    if (this.#isOver) return;
    this.#end();
    await Promise.allSettled([...this.#clients].map((client) => client.close()));
    this.#socket.close(1_000);
  }

  #transport(name) {
    const found = this.transports.find((transport) => transport.name === name);
    if (!found) throw new Error(`this bench has no transport "${name}"`);
    return found;
  }

  /** The answer that was fastest knows best. */
  get #clock() {
    return this.#clocks.reduce((best, one) => (one.took < best.took ? one : best));
  }

  get #offset() {
    return this.#clock.offset;
  }

  #watch() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/benches/${this.id}/watch`);
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
      socket.onclose = ({ reason }) => reject(new Error(reason || "the bench can't be watched"));
      socket.onopen = () => {
        socket.onclose = ({ wasClean }) => this.#isOver || this.#again(wasClean);
        resolve();
      };
    });
  }

  /** The watch is broken, as on a phone that changes networks: it is tried again while there is hope. */
  async #again(hasEnded) {
    for (let attempt = 0; attempt < ATTEMPTS && !hasEnded && !this.#isOver; attempt += 1) {
      await new Promise((wake) => setTimeout(wake, PAUSE));
      try {
        return await this.#watch();
      } catch {
        // Perhaps the next time.
      }
    }
    if (this.#isOver) return;
    this.#end();
    this.#hand({ op: "gone" });
  }

  #end() {
    this.#isOver = true;
    clearInterval(this.#timer);
  }

  #askClock() {
    return new Promise((resolve) => {
      const ends = ["clock", "gone"].map((op) => this.on(op, () => resolve(ends.forEach((end) => end()))));
      this.tell({ op: "clock", at: performance.now() });
    });
  }

  #take(messages) {
    for (const message of messages) {
      if (message.op === "clock") this.#learn(message);
      else if (this.#early) this.#early.push(message);
      else this.#hand(message);
    }
  }

  #learn({ at, now_us }) {
    const now = performance.now();
    // The answer was given half-way, as far as one can know.
    this.#clocks.push({ took: now - at, offset: now_us - ((at + now) / 2) * 1_000 });
    if (this.#clocks.length > CLOCK_ANSWERS) this.#clocks.shift();
    this.#hand({ op: "clock" });
  }

  #hand(message) {
    for (const handler of this.#handlers.get(message.op) ?? []) {
      try {
        handler(message);
      } catch (error) {
        // The page's own, which disturbs nobody else.
        reportError(error);
      }
    }
  }
}
