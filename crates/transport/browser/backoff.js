// How long to wait before a lost connection is tried again.
//
// When a server goes away all of its clients lose their connections at the same moment. If each came back at
// once they would all come at once, and knock it over again. So the first wait is spread over `jitter`, and the
// ceiling of the next ones doubles up to `most`: truncated exponential back-off with full jitter. Whoever looks
// at the page doesn't want to wait, though: a page that is shown again, or a machine that is on-line again,
// tries at once.

export class Backoff {
  #lost = 0;

  /** All times in milliseconds. */
  constructor({ first = 500, most = 30_000, jitter = 5_000 } = {}) {
    Object.assign(this, { first, most, jitter });
  }

  /** Waits; longer each time, until `reset`. Over at once when `signal` is aborted. */
  async wait(signal) {
    const ceiling =
      this.#lost === 0 ? this.jitter : Math.min(this.most, this.first * 2 ** Math.min(this.#lost, 30));
    this.#lost += 1;
    await pause(Math.random() * ceiling, signal);
  }

  /** All is well: the next loss is a first one. */
  reset() {
    this.#lost = 0;
  }
}

/** Waits for so many milliseconds; less if the page is shown or the machine on-line again, or `signal` is aborted. */
export function pause(milliseconds, signal) {
  return new Promise((done) => {
    const listeners = new AbortController();
    const end = () => {
      clearTimeout(timer);
      listeners.abort();
      done();
    };
    const timer = setTimeout(end, milliseconds);
    const until = { signal: listeners.signal };
    const seen = () => document.hidden || end();
    document.addEventListener("visibilitychange", seen, until);
    window.addEventListener("online", end, until);
    signal.addEventListener("abort", end, until);
    if (signal.aborted) end();
  });
}
