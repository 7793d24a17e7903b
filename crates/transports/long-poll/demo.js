// Long polling (RFC 6202) in the browser: one request is always under way, and the server answers it when there
// is something to say.
//
// The answer brings all that was waiting and the new cursor; the next poll tells that cursor, which is how the
// server learns that the answer has arrived. Until then it keeps everything, so an answer that is cut off in
// the middle costs nothing but time. A client without a cursor (`cursor: false`) loses what is said between two
// polls; try it.
//
// A page that isn't visible needs no special care: it waits for the server, not for a timer that a browser
// would slow down.

import { HttpClient } from "./session.js";

class LongPoll extends HttpClient {
  async live() {
    await this.open();
    for (;;) {
      const { wait = 25_000, cursor = true } = this.options;
      // A server that says nothing for much longer is gone, even if nothing was heard of its end.
      const poll = { wait: wait / 1_000, patience: wait + 10_000 };
      await this.poll(cursor ? poll : { ...poll, after: "now" });
    }
  }
}

/**
 * Connects, and stays connected until `close()`.
 *
 * @param {string} url of the server: `http://127.0.0.1:8080`
 * @param {object} [options]
 * @param {{token: string, received: number}} [options.ticket] goes on with this session
 * @param {{first?: number, most?: number, jitter?: number}} [options.backoff] in milliseconds
 * @param {number} [options.wait] for how many milliseconds the server is to hold a poll
 * @param {boolean} [options.cursor] whether polls tell what has been received
 */
export const connect = (url, options) => new LongPoll(url, options);
