// Who is in a room, as far as they say so: everybody says "here" now and then, and whoever hasn't for a while
// is gone. Known by their session's id, which the server tells and nobody can make up; the name is what they
// call themselves.

import { MOST, clean } from "./text.js";

/** How often one says so, and after how long one isn't counted on any more, in milliseconds. */
const EVERY = 10_000;
const GONE = 35_000;
/** A newcomer asks who is there; all answer, but not all at once, and not often. */
const SOON = 500;
const MOST_PEOPLE = 200;

export class Presence {
  /** By room, by session. @type {Map<string, Map<string, {nick: string, over: string, heard: number}>>} */
  #rooms = new Map();
  #timers = new Map();

  /**
   * @param {(room: string, event: string) => void} say tells a room "here", "who" or "gone"
   * @param {() => void} changed
   */
  constructor(say, changed) {
    this.say = say;
    this.changed = changed;
    setInterval(() => this.#beat(), EVERY);
  }

  enter(room) {
    if (!this.#rooms.has(room)) this.#rooms.set(room, new Map());
    this.say(room, "who");
    this.say(room, "here");
  }

  leave(room) {
    this.say(room, "gone");
    this.#rooms.delete(room);
    this.changed();
  }

  /** One's name or transport is another one. */
  renew() {
    for (const room of this.#rooms.keys()) this.say(room, "here");
  }

  /** The people of a room: [session, {nick, over}]. */
  of(room) {
    return [...(this.#rooms.get(room) ?? [])].sort(([, one], [, other]) => one.nick.localeCompare(other.nick));
  }

  take({ event, from, data }) {
    const people = this.#rooms.get(clean(data?.room, MOST.room));
    if (!people) return;
    if (event === "who") return this.#answer(data.room);
    const nick = clean(data.nick, MOST.nick);
    if (event === "gone") people.delete(from);
    else if (nick && (people.has(from) || people.size < MOST_PEOPLE)) {
      people.set(from, { nick, over: clean(data.over, MOST.nick), heard: Date.now() });
    }
    this.changed();
  }

  #answer(room) {
    if (this.#timers.has(room)) return;
    const answer = () => {
      this.#timers.delete(room);
      if (this.#rooms.has(room)) this.say(room, "here");
    };
    this.#timers.set(room, setTimeout(answer, SOON * Math.random()));
  }

  #beat() {
    const now = Date.now();
    for (const [room, people] of this.#rooms) {
      for (const [session, { heard }] of people) if (now - heard > GONE) people.delete(session);
      this.say(room, "here");
    }
    this.changed();
  }
}
