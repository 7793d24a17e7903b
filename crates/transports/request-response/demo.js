// Plain HTTP in the browser: ask every `interval` milliseconds whether there is news. Mostly there is none.
//
// What others publish waits at the server for half an interval on average. What this page itself asks is
// answered at once, in the response to its request.
//
// `pacing: "rate"` asks on a fixed grid, `"delay"` waits for the interval after each answer. In a page that
// isn't visible nobody waits for news, so it asks ten times less often (`hidden: "same"` if it shouldn't), and
// at once when it is shown again. Browsers slow down the timers of hidden pages anyway: to once a second, and
// after some minutes to once a minute.

import { pause } from "./backoff.js";
import { HttpClient } from "./session.js";

const SLOWER = 10;

class RequestResponse extends HttpClient {
  get repliesSurvive() {
    return false;
  }

  async live() {
    const signal = this.signal;
    await this.open();
    // Each client begins at a moment of its own, so that many don't ask in step.
    let due = performance.now() + Math.random() * this.#interval;
    for (;;) {
      await pause(due - performance.now(), signal);
      signal.throwIfAborted();
      await this.poll();
      const now = performance.now();
      if (this.options.pacing === "delay") due = now;
      // The grid's next point that isn't over: what was missed is not made up for.
      due += this.#interval * Math.max(1, Math.ceil((now - due) / this.#interval));
    }
  }

  get #interval() {
    const { interval = 1_000, hidden = "slow" } = this.options;
    return Math.max(1, interval) * (document.hidden && hidden === "slow" ? SLOWER : 1);
  }
}

/**
 * Connects, and stays connected until `close()`.
 *
 * @param {string} url of the server: `http://127.0.0.1:8080`
 * @param {object} [options]
 * @param {{token: string, received: number}} [options.ticket] goes on with this session
 * @param {{first?: number, most?: number, jitter?: number}} [options.backoff] in milliseconds
 * @param {number} [options.interval] between two polls, in milliseconds
 * @param {"rate" | "delay"} [options.pacing]
 * @param {"slow" | "same"} [options.hidden] what happens while the page isn't visible
 */
export const connect = (url, options) => new RequestResponse(url, options);
