// Texts of other people. Whatever they send is shown as text, and only so much of it.

/** What a person may enter, in characters; longer texts of others are cut. */
export const MOST = { nick: 24, room: 24, text: 500 };

/** A text of at most so many characters, in one line; "" for what is none. */
export function clean(value, most) {
  if (typeof value !== "string") return "";
  const line = value.slice(0, 4 * most).replace(/\p{Cc}+/gu, " ").trim();
  return [...line].slice(0, most).join("");
}

/** An element with a text in it, which can't be anything else. */
export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Somebody's name: set apart, so that writing from right to left disturbs nothing around it. */
export const name = (nick) => element("bdi", "name", nick);

/** The beginning of a session's public id, by which two of the same name are told apart. */
export const short = (id) => id.slice(0, 4);

/** A new id that nobody can guess. */
export const newId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
