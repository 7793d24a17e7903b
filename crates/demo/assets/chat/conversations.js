// What was said, by conversation: a room ("#lobby") or somebody in private ("@<session>"). Bounded, whatever
// others send.

import { MOST, clean } from "./text.js";

const MOST_MESSAGES = 200;
const MOST_CONVERSATIONS = 40;
/** By how many ids a message that comes again is known. */
const MOST_IDS = 2_000;

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {string} from the sender's session
 * @property {string} nick
 * @property {string} text
 * @property {string} over the transport it came by, as its sender says
 * @property {number} at when it was heard here
 * @property {boolean} own
 * @property {boolean} [sure] whether it is known to have arrived at the server
 */

export class Conversations {
  /** @type {Map<string, {title: string, messages: Message[], unread: number}>} */
  all = new Map();
  #ids = new Set();

  constructor(kept = {}) {
    for (const [key, { title, messages, unread }] of kept.all ?? []) this.all.set(key, { title, messages, unread });
    for (const id of kept.ids ?? []) this.#ids.add(id);
  }

  /** What to keep for a reload. */
  get kept() {
    return { all: [...this.all], ids: [...this.#ids] };
  }

  /** The conversation; a new one if need be. None if there are too many. */
  open(key, title) {
    const known = this.all.get(key);
    if (known || this.all.size >= MOST_CONVERSATIONS) return known;
    const made = { title, messages: [], unread: 0 };
    this.all.set(key, made);
    return made;
  }

  close(key) {
    this.all.delete(key);
  }

  /** Takes a message, once: one that was sent again is known by its id. Whether it is new. */
  add(key, title, message) {
    if (this.#ids.has(message.id)) return false;
    const conversation = this.open(key, title);
    if (!conversation) return false;
    this.#ids.add(message.id);
    if (this.#ids.size > MOST_IDS) this.#ids.delete(this.#ids.values().next().value);
    conversation.messages.push(message);
    if (conversation.messages.length > MOST_MESSAGES) conversation.messages.shift();
    return true;
  }
}

/** What of an event is a message of the chat; none if it isn't one. */
export function parse({ from, data }) {
  const message = {
    id: clean(data?.id, 64),
    from,
    nick: clean(data?.nick, MOST.nick),
    text: clean(data?.text, MOST.text),
    over: clean(data?.over, MOST.nick),
    at: Date.now(),
  };
  return message.id && message.nick && message.text ? message : null;
}
