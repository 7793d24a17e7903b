// What clients over HTTP share: a session by POST /session, messages by GET /events, commands by POST
// /commands, the end by DELETE /session.
//
// The server is another origin than the page, and JSON or an Authorization header is nothing that any page may
// always send. So the browser asks first, by a *preflight*: OPTIONS, a round trip of its own. It remembers the
// answer for two hours (Access-Control-Max-Age), but only for the same URL. Commands have one URL, so they pay
// once. Polls have another URL for each cursor and would pay each time; so they have no header of their own and
// tell the token in the URL. That is no good habit (URLs are written to logs), and fine here: this token is one
// session's alone, soon over, and no server of the lab writes it down.
//
// A browser does one thing that no page can forbid: if a connection that was used before breaks without an
// answer, it sends the request again by itself, a POST too. A poll doesn't mind, thanks to its cursor. A
// command may so be carried out twice; where that matters, a message has an id by which its receivers know it
// again, as in the chat.

import { Client, refusal } from "./client.js";

export { Lost, refusal } from "./client.js";

/** How long an answer may take that the server gives at once, in milliseconds. */
const PATIENCE = 10_000;
/** Most commands and about so many characters in one request. */
const [MOST_COMMANDS, MOST_CHARACTERS] = [100, 64 << 10];

export class HttpClient extends Client {
  #isPosting = false;

  /** Opens a session; or finds the one of the token again, if it is still there. */
  async open() {
    const answer = await this.ask("POST", "/session");
    this.welcome(await answer.json());
  }

  /** A request of the session, and its answer if that is a good one; else a `Lost` that says why. */
  async ask(method, path, { body, patience = PATIENCE, signal = this.signal, ...more } = {}) {
    const headers = {};
    if (this.token && method !== "GET") headers.authorization = `Bearer ${this.token}`;
    if (body) headers["content-type"] = "application/json";
    const answer = await fetch(this.url + path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
      ...more,
    });
    if (answer.ok) return answer;
    const why = refusal(await answer.json().catch(() => ({ message: `HTTP ${answer.status}` })));
    why.status = answer.status;
    // A cursor that the server can't know (400): this isn't our session after all.
    if (method === "GET" && why.status === 400) this.token = null;
    throw why;
  }

  /** Asks for messages, once. The cursor tells the server what it needn't keep any more. */
  async poll({ patience, after = this.received, ...more } = {}) {
    const query = new URLSearchParams({ after, ...more, token: this.token });
    const answer = await this.ask("GET", `/events?${query}`, { patience });
    if (answer.status === 204) return;
    // An answer that is cut off in the middle throws here: the cursor isn't moved, and the next poll brings it all again.
    const { events, next } = await answer.json();
    for (const message of events) this.take(message);
    this.received = next;
  }

  /** Sends what waits: one request at a time, so that the order is kept, and each with all that has come together meanwhile. */
  async flush() {
    if (this.#isPosting) return;
    this.#isPosting = true;
    while (this.state === "open" && !this.signal.aborted && this.waiting.length > 0) {
      const connection = this.signal;
      const commands = this.#batch();
      try {
        // Not ended by the loss of another connection: that would leave open what becomes of it.
        const signal = this.ending;
        const body = commands.length === 1 ? commands[0] : commands;
        const answer = await this.ask("POST", "/commands", { body, signal });
        if (answer.status === 200) {
          for (const { id, data } of (await answer.json()).replies) this.answered(id, data);
        }
      } catch (error) {
        const isUseless = this.#failed(commands, error);
        // By now there may be another connection, which isn't to blame.
        if (isUseless && this.signal === connection) this.interrupt(error);
      }
    }
    this.#isPosting = false;
  }

  async farewell() {
    // The poll first: the server would answer it that the session is over.
    this.interrupt();
    // Goes out even if the page is gone by then.
    if (this.token) await this.ask("DELETE", "/session", { signal: this.ending, keepalive: true }).catch(() => {});
  }

  #batch() {
    let characters = 0;
    const fits = (command) => (characters += JSON.stringify(command).length) < MOST_CHARACTERS;
    const end = this.waiting.slice(0, MOST_COMMANDS).findIndex((command) => !fits(command));
    return this.waiting.splice(0, end < 0 ? MOST_COMMANDS : Math.max(end, 1));
  }

  /** Whether the connection is of no use any more. */
  #failed(commands, error) {
    if (this.state === "closed") return false;
    switch (error.status) {
      case undefined: // No answer: nobody knows.
        this.unknown(commands, "the answer didn't come");
        return true;
      case 401: // The session is over, or the server is about to end: nothing was carried out.
      case 410:
      case 503:
        this.waiting.unshift(...commands);
        return true;
      default:
        this.refused(commands, error);
        return false;
    }
  }
}
