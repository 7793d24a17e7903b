// A page's line to everybody else: a cable of its own (a bench) to the servers where all pages meet, and a
// client on it, over the transport that was chosen. The transport can be changed in the middle: the session's
// ticket is the same on each, so nothing is lost.

import { openBench } from "../lib/bench.js";

/** People watch: they don't want to wait for long. */
const BACKOFF = { first: 200, most: 2_000, jitter: 500 };

export class Line {
  /** @type {import("/modules/client.js").Client | null} */
  client = null;
  over = "";
  plugged = true;
  /** Called with each client before it connects, to set what it is to call. */
  onclient = () => {};
  /** The cable was pulled or plugged in. @type {(plugged: boolean) => void} */
  oncable = () => {};
  /** The demo has ended, or forgotten this page. */
  ongone = () => {};

  /** Orders the cable. @returns {Promise<string[]>} the transports that there are */
  async open() {
    this.bench = await openBench({ hub: "common" });
    this.bench.on("link", ({ plugged }) => {
      this.plugged = plugged;
      this.oncable(plugged);
    });
    this.bench.on("gone", () => this.ongone());
    return this.bench.transports;
  }

  /** Goes on over this transport, with the session of the ticket or the one there is. */
  async use(name, ticket = null) {
    const { connect } = await import(this.bench.transports.find((one) => one.name === name).module);
    const kept = this.client?.detach() ?? ticket;
    this.over = name;
    this.client = connect(this.bench.urlOf(name), { ticket: kept, backoff: BACKOFF });
    this.onclient(this.client);
  }

  /** Pulls the cable, or plugs it in again. */
  plug(plugged) {
    this.bench.tell({ op: "cable", plugged });
  }

  /** Ends session and cable. */
  async close() {
    await this.client?.close();
    await this.bench.close();
  }
}

/** What a person is told of a client's state. */
export function describe(state, plugged) {
  if (state === "open") return "Connected";
  if (state === "closed") return "Closed";
  if (!plugged) return "Cut off: the cable is unplugged";
  return state === "waiting" ? "Cut off, about to try again" : "Connecting…";
}

/** The choice of transports, into a <select>. */
export function offer(select, transports, chosen) {
  select.replaceChildren(
    ...transports.map(({ name, title }) => {
      const option = new Option(name, name, false, name === chosen);
      option.title = title;
      return option;
    }),
  );
}
