// Socket.IO in the browser, its protocols spoken by hand: Engine.IO v4 (packets over polls or a WebSocket, and
// the change from the one to the other) and Socket.IO v5 (events and answers in them). An application takes the
// official client, which works with this server too; here one sees what it does.
//
// A packet of the engine begins with a digit: 0 open, 1 close, 2 ping, 3 pong, 4 message, 5 upgrade, 6 noop.
// Polls bring packets with a character between them that stands in no text. A message is a packet of Socket.IO
// with a digit of its own: 0 connect, 1 disconnect, 2 event, 3 answer, 4 refused. So `42["chat","hi"]` is an
// event, and `427["pushlab:request",1]` one that asks for the answer `437[1]`.
//
// Its polls are plain GETs and POSTs of text without headers of their own. That is why Socket.IO needs no
// preflight.
//
// Socket.IO itself resumes nothing here; the lab's server does, told `{token, received}` when a client
// connects. Answers are counted by nobody and don't survive a cut. Nor are the engine's polls counted: a
// browser sends a request again by itself if a connection that was used before breaks without an answer, and
// what the lost answer brought is then lost for good. A WebSocket has no such moment.

import { Client, Lost, refusal } from "./client.js";

const PATH = "/socket.io/?EIO=4&transport=";
const SEPARATOR = "\u001e";
/** About so many characters are posted together, and so many bytes may wait in a WebSocket. */
const [MOST_POSTED, MOST_BUFFERED] = [64 << 10, 1 << 20];

/** What carries it, by the name under which this module is served: polls until the upgrade, polls alone, a WebSocket alone. */
const TRANSPORTS = { "socket-io-polling.js": ["polling"], "socket-io-websocket.js": ["websocket"] };
const BY_NAME = TRANSPORTS[import.meta.url.split("/").at(-1)] ?? ["polling", "websocket"];

class SocketIo extends Client {
  /** What the server told of this connection: its id and how often it pings. */
  #engine;
  /** The engine's packets that go out before any command. */
  #packets;
  /** Sends what waits, by whatever carries it; nothing does while that changes. */
  #write;
  #socket;
  #isPosting;
  #posted;
  #timer;
  #silence;
  /** Why the server is about to disconnect. */
  #goodbye;
  /** A network may let no WebSocket through: the connection after a failed upgrade only polls. */
  #hasFailed = false;

  get repliesSurvive() {
    return false;
  }

  async live() {
    const { transports = BY_NAME } = this.options;
    const upgrades = transports.includes("websocket") && !this.#hasFailed;
    this.#hasFailed = false;
    this.#engine = { sid: "", pingInterval: 5_000, pingTimeout: 5_000 };
    this.#packets = [`40${JSON.stringify(this.ticket ?? {})}`];
    this.#goodbye = this.#write = this.#socket = null;
    this.#isPosting = false;
    try {
      if (transports[0] === "websocket") await this.#carry(await this.#dial());
      else await this.#poll(upgrades);
    } finally {
      clearTimeout(this.#silence);
      this.#write = null;
    }
  }

  flush() {
    this.#write?.();
  }

  // Polls.

  /** Polls, until a WebSocket takes over. */
  async #poll(upgrades) {
    await this.#ask();
    this.#write = this.#post;
    this.#write();
    let socket;
    let probed;
    if (upgrades) {
      const { signal } = this;
      const failed = (why) => {
        if (signal.aborted) return;
        this.#hasFailed = true;
        this.interrupt(why);
      };
      const dialed = (opened) => {
        // Nothing more is begun over HTTP. What is under way is waited for: the server answers the poll at once.
        this.#write = null;
        probed = new Promise((done, lost) => {
          opened.onmessage = done;
          opened.onclose = ({ code }) => lost(new Lost(`the WebSocket was closed: ${code}`));
        });
        probed.catch(failed);
        opened.send("2probe");
        socket = opened;
      };
      this.#dial(`&sid=${this.#engine.sid}`).then(dialed, failed);
    }
    while (!socket && this.state !== "closed") await this.#ask();
    if (this.state === "closed") return;
    await this.#posted;
    await probed;
    if (socket.readyState !== WebSocket.OPEN) throw new Lost("the WebSocket was closed");
    socket.send("5");
    await this.#carry(socket);
  }

  async #ask() {
    const packets = await this.#request({});
    for (const packet of packets.split(SEPARATOR)) this.#take(packet);
  }

  /** One request at a time, so that the order is kept, and each with all that has come together meanwhile. */
  #post() {
    if (!this.#isPosting) this.#posted = this.#postAll(this.signal);
  }

  async #postAll(signal) {
    this.#isPosting = true;
    try {
      await null;
      for (let body; this.#write && (body = this.#batch()); ) await this.#request({ method: "POST", body });
    } catch (why) {
      if (this.signal === signal) this.interrupt(why);
    }
    if (this.signal === signal) this.#isPosting = false;
  }

  #batch() {
    const packets = [];
    for (let length = 0, next; length < MOST_POSTED && (next = this.#next()); length += next.length) packets.push(next);
    return packets.join(SEPARATOR);
  }

  async #request(request) {
    const { sid, pingInterval, pingTimeout } = this.#engine;
    const patience = AbortSignal.timeout(pingInterval + pingTimeout);
    const target = `${this.url}${PATH}polling${sid && `&sid=${sid}`}`;
    const answer = await fetch(target, { ...request, signal: AbortSignal.any([this.signal, patience]) });
    const text = await answer.text();
    if (!answer.ok) throw new Lost(`HTTP ${answer.status}: ${text.slice(0, 200)}`);
    return text;
  }

  // A WebSocket.

  #dial(sid = "") {
    const { signal } = this;
    const socket = new WebSocket(`${this.url.replace(/^http/, "ws")}${PATH}websocket${sid}`);
    signal.addEventListener("abort", () => socket.close());
    return new Promise((opened, failed) => {
      socket.onopen = () => opened(socket);
      socket.onclose = ({ code }) => failed(new Lost(`the WebSocket was closed: ${code}`));
    });
  }

  /** A WebSocket carries everything from now on. */
  async #carry(socket) {
    const { signal } = this;
    this.#socket = socket;
    this.#write = () => {
      clearTimeout(this.#timer);
      // It may have been lost already, and what is given to it would be lost too.
      if (socket.readyState !== WebSocket.OPEN) return;
      for (let next; socket.bufferedAmount < MOST_BUFFERED && (next = this.#next()); ) socket.send(next);
      // A page isn't told when there is room again.
      if (this.waiting.length > 0 && this.state === "open") this.#timer = setTimeout(() => this.flush(), 50);
    };
    await new Promise((_, lost) => {
      socket.onclose = ({ code }) => lost(new Lost(`the WebSocket was closed: ${code}`));
      socket.onmessage = ({ data }) => {
        try {
          this.#take(data);
        } catch (why) {
          lost(why);
        }
      };
      signal.addEventListener("abort", () => lost(signal.reason));
      signal.throwIfAborted();
      // Begun as a WebSocket, the server speaks first.
      if (this.#engine.sid) this.#write();
    });
  }

  // Packets.

  /** The next packet that is to go out. */
  #next() {
    if (this.#packets.length > 0) return this.#packets.shift();
    const command = this.state === "open" && this.waiting.shift();
    if (!command) return "";
    this.sent(command);
    const { op, id = "", room, to, event, data } = command;
    const argument = { join: room, leave: room, emit: { to, event, data }, request: data }[op];
    return `42${id}${JSON.stringify([`pushlab:${op}`, argument])}`;
  }

  /** Takes a packet of the engine. */
  #take(packet) {
    clearTimeout(this.#silence);
    switch (packet[0]) {
      case "0":
        this.#engine = JSON.parse(packet.slice(1));
        this.flush();
        break;
      case "1":
        throw this.#goodbye ?? new Lost("the server closed the connection");
      case "2":
        this.#packets.push("3");
        this.flush();
        break;
      case "4":
        this.#takeMessage(packet.slice(1));
    }
    // A server that doesn't even ping any more is gone.
    const silent = () => this.interrupt(new Lost("the server is silent"));
    const { pingInterval, pingTimeout } = this.#engine;
    this.#silence = setTimeout(silent, pingInterval + pingTimeout);
  }

  /** Takes a packet of Socket.IO. */
  #takeMessage(packet) {
    const [, kind, id, json] = /^(\d)(\d*)(.*)$/s.exec(packet);
    const value = json && JSON.parse(json);
    switch (kind) {
      case "0":
        return this.welcome({ session: value.sid, token: value.token, resumed: value.resumed });
      case "1":
        throw this.#goodbye ?? new Lost("the server disconnected");
      case "2":
        return this.#takeEvent(...value);
      case "3":
        if (value[1] === "error") this.refused([{ op: "request", id: Number(id) }], value[0]);
        else this.answered(Number(id), value[0]);
        return;
      case "4":
        // A cursor that the server can't know: this isn't our session after all.
        if (value.data?.code === "malformed") this.token = null;
        throw new Lost(value.message);
    }
  }

  #takeEvent(name, data, from, realName) {
    switch (name) {
      case "pushlab:welcome":
        return; // It says what the answer to `connect` said.
      case "pushlab:gap":
      case "pushlab:error":
        return this.take(data);
      case "pushlab:disconnect":
        this.#goodbye = refusal(data);
        return;
      default: // `pushlab:event` stands for names that no event of Socket.IO may have.
        this.take({ op: "event", event: name === "pushlab:event" ? realName : name, from, data });
    }
  }

  /** Leaves the namespace, which ends the session, and closes. */
  async farewell() {
    const socket = this.#socket;
    if (socket) {
      if (socket.readyState !== WebSocket.OPEN) return;
      const closed = new Promise((done) => socket.addEventListener("close", done));
      socket.send("41");
      socket.close();
      return closed;
    }
    if (!this.session) return;
    const target = `${this.url}${PATH}polling&sid=${this.#engine.sid}`;
    await fetch(target, { method: "POST", body: `41${SEPARATOR}1`, keepalive: true }).catch(() => {});
  }
}

/**
 * Connects, and stays connected until `close()`.
 *
 * @param {string} url of the server: `http://127.0.0.1:8080`
 * @param {object} [options]
 * @param {{token: string, received: number}} [options.ticket] goes on with this session
 * @param {{first?: number, most?: number, jitter?: number}} [options.backoff] in milliseconds
 * @param {string[]} [options.transports] `["polling", "websocket"]`, `["polling"]` or `["websocket"]`
 */
export const connect = (url, options) => new SocketIo(url, options);
