// Server-sent events in the browser (HTML section 9.2): one response that never ends. Commands are requests of
// their own.
//
// The browser's `EventSource` does most of it. Each event has an id, which here is the cursor after it; when a
// stream is cut, the browser comes back by itself and tells the last id, so that nothing is missed. It comes
// back at a fixed pace, though, however long the server has been away, and gives up for good after any answer
// that is no stream. So this module closes a stream that has an error, waits as every client here does, asks
// for the session (which tells whether it is still there), and opens another stream from the cursor on.
//
// An EventSource can set no header, so the token stands in the URL. That is also why it needs no preflight.
//
// On HTTP/1.1 a browser has at most six connections to a server, all tabs together, and each stream keeps one:
// in the seventh tab nothing moves.

import { HttpClient, Lost, refusal } from "./session.js";

class Sse extends HttpClient {
  async live() {
    await this.open();
    const query = new URLSearchParams({ token: this.token, after: this.received });
    const stream = new EventSource(`${this.url}/events?${query}`);
    const ended = new Promise((_, lost) => {
      stream.onmessage = ({ data, lastEventId }) => {
        const message = JSON.parse(data);
        // Why the stream ends is its last event, and has no id.
        if (message.op === "error") return lost(refusal(message));
        this.take(message);
        this.received = Number(lastEventId);
      };
      stream.onerror = () => lost(new Lost("the stream has ended"));
      this.signal.addEventListener("abort", () => lost(this.signal.reason));
      this.signal.throwIfAborted();
    });
    await ended.finally(() => stream.close());
  }
}

/**
 * Connects, and stays connected until `close()`.
 *
 * @param {string} url of the server: `http://127.0.0.1:8080`
 * @param {object} [options]
 * @param {{token: string, received: number}} [options.ticket] goes on with this session
 * @param {{first?: number, most?: number, jitter?: number}} [options.backoff] in milliseconds
 */
export const connect = (url, options) => new Sse(url, options);
