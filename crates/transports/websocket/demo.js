// WebSocket (RFC 6455) in the browser: one connection, and both sides say what they have to say when they have
// it.
//
// There are no requests and so no answers: nothing tells a page whether what it gave to `send` has arrived.
// What the server says is counted, and after a cut the first command is `resume`, with that count and the
// session's token: the server goes on from there. (A handshake from a page can't have an Authorization header.)
// The browser answers the server's pings by itself.
//
// Why a connection was closed is told by its code: 1008 because another page has taken the session over, which
// is final; 1012 because the server is about to stop, 1013 because this client took its messages too slowly and
// its session is gone, 1006 because it broke. 1000 with the reason "end" is how this side ends a session for
// good.

import { Client, Lost } from "./client.js";

/** What may wait within the browser before more is kept back here. */
const MOST_BUFFERED = 1 << 20;

class WebSocketClient extends Client {
  /** @type {WebSocket} */
  #socket;
  #timer;

  live() {
    const { signal, token } = this;
    const socket = new WebSocket(this.url, "pushlab.v1");
    this.#socket = socket;
    // The first welcome is for a new session. With a ticket it is the second one that counts, and what comes before it isn't ours.
    let welcomes = token ? 2 : 1;
    let complaint;
    return new Promise((_, lost) => {
      socket.onopen = () => {
        if (token) socket.send(JSON.stringify({ op: "resume", token, received: this.received }));
      };
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.op === "error") complaint = message;
        if (message.op === "welcome") {
          welcomes -= 1;
          if (welcomes === 0) this.welcome(message);
        } else if (welcomes === 0) {
          this.take(message);
        } else if (message.op === "error") {
          // A cursor that the server can't know: this isn't our session after all.
          this.token = null;
          socket.close();
        }
      };
      socket.onclose = ({ code, reason }) => {
        const isFinal = code === 1008 && complaint?.code !== "limits";
        lost(new Lost(`closed: ${code} ${reason}`.trim(), { isFinal }));
      };
      signal.addEventListener("abort", () => {
        lost(signal.reason);
        socket.close();
      });
    });
  }

  flush() {
    const socket = this.#socket;
    clearTimeout(this.#timer);
    // It may have been lost already, and what is given to it would be lost too.
    if (socket.readyState !== WebSocket.OPEN) return;
    while (this.waiting.length > 0 && socket.bufferedAmount < MOST_BUFFERED) {
      const command = this.waiting.shift();
      socket.send(JSON.stringify(command));
      this.sent(command);
    }
    // A page isn't told when there is room again.
    const again = () => this.state === "open" && this.flush();
    if (this.waiting.length > 0) this.#timer = setTimeout(again, 50);
  }

  async farewell() {
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((done) => socket.addEventListener("close", done));
    socket.close(1000, "end");
    await closed;
  }
}

/**
 * Connects, and stays connected until `close()`.
 *
 * @param {string} url of the server: `ws://127.0.0.1:8080/ws`
 * @param {object} [options]
 * @param {{token: string, received: number}} [options.ticket] goes on with this session
 * @param {{first?: number, most?: number, jitter?: number}} [options.backoff] in milliseconds
 */
export const connect = (url, options) => new WebSocketClient(url, options);
