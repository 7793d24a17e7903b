// A chat in which everybody chooses a transport. It is worth what its end-to-end promises are: each message has
// an id of its own. A sender keeps it until it comes back from the server, and sends it again if a connection
// was lost meanwhile; a receiver takes an id once. So nothing is lost and nothing doubled, whatever becomes of
// connections. What was said and the session's ticket are kept together for a reload.

import { Code } from "./chat/code.js";
import { Conversations, parse } from "./chat/conversations.js";
import { Line, describe, offer } from "./chat/line.js";
import { Presence } from "./chat/presence.js";
import { MOST, clean, element, name, newId, short } from "./chat/text.js";

const LOBBY = "lobby";
const MOST_ROOMS = 12;
/** How long after a change it is kept, in milliseconds. */
const KEEP_AFTER = 200;

const at = (id) => document.getElementById(id);

const kept = JSON.parse(sessionStorage.chat ?? "{}");
const me = { nick: kept.nick ?? `guest ${Math.floor(100 + 900 * Math.random())}`, rooms: new Set(kept.rooms ?? [LOBBY]) };
const conversations = new Conversations(kept.conversations);
/** Messages that haven't come back yet, by their id: to whom, which event, what. */
const unsure = new Map(kept.unsure ?? []);
let current = kept.current ?? `#${LOBBY}`;
let hadSession = Boolean(kept.ticket);
let isOver = false;

const line = new Line();
const code = new Code(at("code"));
const presence = new Presence(
  (room, event) => tell({ [event === "here" ? "room" : "room-others"]: roomOf(room) }, event, { room, nick: me.nick, over: line.over }),
  showPeople,
);

/** Rooms of the chat have names of their own on the server. */
const roomOf = (room) => `chat:${room}`;

// The line.

line.onclient = (client) => {
  document.body.dataset.transport = line.over;
  code.use(line.over);
  client.onstate = showState;
  client.onwelcome = ({ session, resumed }) => {
    at("session").textContent = short(session);
    for (const room of me.rooms) presence.enter(room);
    if (hadSession && !resumed) say("problem", "Your session was over, and this is a new one. What was said while you were away is lost to you.");
    hadSession = true;
    settle(client);
    keep();
  };
  client.onevent = (event) => {
    if (event.event === "chat" || event.event === "private") hear(event);
    else presence.take(event);
    keep();
  };
  client.ongap = ({ missed }) => {
    say("problem", `You missed ${missed} messages: more than the server keeps.`);
    keep();
  };
  client.onerror = ({ code, message }) => {
    if (code !== "unknown") say("problem", message);
  };
  for (const room of me.rooms) client.join(roomOf(room));
};

line.oncable = (plugged) => {
  at("cable").setAttribute("aria-pressed", String(!plugged));
  at("cable").textContent = plugged ? "Cut the cable" : "Plug it in again";
  showState(line.client?.state ?? "connecting");
};

line.ongone = () => say("problem", "The demo has ended. Start it again and load this page anew.");

/** After a loss: an answer tells that all that was said before has been carried out and heard. What hasn't come back then never got through. */
async function settle(client) {
  const before = [...unsure.keys()];
  if (before.length === 0) return;
  try {
    await client.request();
  } catch {
    return; // Lost again: the next welcome brings us back here.
  }
  for (const id of before) if (unsure.has(id)) tell(...unsure.get(id));
}

/** Says something if that can be said now. */
function tell(to, event, data) {
  try {
    line.client?.emit(to, event, data);
  } catch (error) {
    if (!isOver) say("problem", error.message);
  }
}

// What is said and heard.

function speak(text) {
  say("problem", "");
  const id = newId();
  const data = { id, nick: me.nick, over: line.over, text };
  const isPrivate = current.startsWith("@");
  if (isPrivate) {
    const session = current.slice(1);
    send(id, { session }, "private", data);
    // It doesn't come back by itself: a copy for oneself does, behind it.
    send(`${id}-own`, "sender", "private", { ...data, id: `${id}-own`, to: session });
  } else {
    const room = current.slice(1);
    send(id, { room: roomOf(room) }, "chat", { ...data, room });
  }
  const message = { id: isPrivate ? `${id}-own` : id, from: line.client.session, nick: me.nick, over: line.over, text, at: Date.now(), own: true, sure: false };
  conversations.add(current, titleOf(current), message);
  showLog();
  keep();
}

function send(id, ...message) {
  unsure.set(id, message);
  tell(...message);
}

function hear(event) {
  const message = parse(event);
  if (!message) return;
  if (event.from === line.client.session && unsure.has(message.id)) return confirm(message);
  const { data } = event;
  const isPrivate = event.event === "private";
  const room = clean(data.room, MOST.room);
  if (!isPrivate && !me.rooms.has(room)) return;
  const key = isPrivate ? `@${event.from}` : `#${room}`;
  if (!conversations.add(key, isPrivate ? message.nick : `#${room}`, message)) return;
  if (key === current) showLog();
  else if (conversations.all.has(key)) conversations.all.get(key).unread += 1;
  showConversations();
}

/** One's own message has come back: it takes its place in the order in which everybody heard it. */
function confirm({ id }) {
  unsure.delete(id);
  unsure.delete(id.replace(/-own$/, ""));
  for (const { messages } of conversations.all.values()) {
    const index = messages.findIndex((message) => message.id === id);
    if (index < 0) continue;
    const [message] = messages.splice(index, 1);
    messages.push({ ...message, sure: true });
  }
  showLog();
}

// What is seen.

function showState(state) {
  say("state", describe(state, line.plugged));
  document.documentElement.dataset.chat = state;
}

function showLog() {
  const { messages } = conversations.open(current, titleOf(current)) ?? { messages: [] };
  const list = at("log");
  const old = new Map([...list.children].map((entry) => [entry.dataset.id, entry]));
  const entries = messages.map((message) => {
    const entry = old.get(message.id) ?? entryOf(message);
    entry.classList.toggle("unsure", message.own === true && !message.sure);
    return entry;
  });
  // Only what changed is touched, so that a screen reader reads what is new.
  for (const entry of old.values()) if (!entries.includes(entry)) entry.remove();
  entries.forEach((entry, index) => list.children[index] === entry || list.insertBefore(entry, list.children[index] ?? null));
  list.scrollTop = list.scrollHeight;
}

function entryOf({ id, from, nick, text, over, at, own }) {
  const entry = element("div", own ? "own" : "");
  entry.dataset.id = id;
  const head = element("p", "who");
  const time = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  head.append(name(nick), element("small", "", `${from ? short(from) : ""} · ${over} · ${time}`));
  entry.append(head, element("bdi", "text", text));
  return entry;
}

function showConversations() {
  const entries = [...conversations.all].map(([key, { title, unread }]) => {
    const button = element("button", "");
    button.type = "button";
    button.setAttribute("aria-current", String(key === current));
    button.append(key.startsWith("@") ? name(titleOf(key)) : element("bdi", "", title));
    if (unread > 0) {
      button.append(element("span", "unread", String(unread)));
      button.append(element("span", "unseen", " unread"));
    }
    button.addEventListener("click", () => choose(key));
    const entry = element("li");
    entry.append(button);
    if (key !== `#${LOBBY}`) entry.append(leaveButton(key, title));
    return entry;
  });
  const focused = [...at("conversations").querySelectorAll("button")].indexOf(document.activeElement);
  at("conversations").replaceChildren(...entries);
  at("conversations").querySelectorAll("button")[focused]?.focus();
  at("title").textContent = titleOf(current);
  at("label").textContent = current.startsWith("@") ? `Privately to ${titleOf(current)}` : `Message to ${current}`;
}

function leaveButton(key, title) {
  const button = element("button", "plain", "Leave");
  button.type = "button";
  button.setAttribute("aria-label", key.startsWith("@") ? `Leave the conversation with ${title}` : `Leave ${title}`);
  button.addEventListener("click", () => {
    conversations.close(key);
    if (key.startsWith("#")) {
      presence.leave(key.slice(1));
      me.rooms.delete(key.slice(1));
      line.client.leave(roomOf(key.slice(1)));
    }
    choose(`#${LOBBY}`);
  });
  return button;
}

function showPeople() {
  const room = current.startsWith("#") ? current.slice(1) : LOBBY;
  const people = presence.of(room);
  say("people-title", `In #${room}: ${people.length}`);
  const entries = people.map(([session, { nick, over }]) => {
    const entry = element("li");
    entry.append(name(nick), element("small", "", `${short(session)} · ${over}`));
    if (session === line.client.session) {
      entry.append(element("small", "you", "you"));
    } else {
      const button = element("button", "plain", "Write privately");
      button.type = "button";
      button.setAttribute("aria-label", `Write privately to ${nick}, ${short(session)}`);
      button.addEventListener("click", () => {
        conversations.open(`@${session}`, nick);
        choose(`@${session}`);
        at("text").focus();
      });
      entry.append(button);
    }
    return entry;
  });
  const focused = document.activeElement?.getAttribute("aria-label");
  const hadFocus = at("people").contains(document.activeElement);
  at("people").replaceChildren(...entries);
  if (hadFocus) at("people").querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
}

function choose(key) {
  current = key;
  const conversation = conversations.open(key, titleOf(key));
  if (conversation) conversation.unread = 0;
  showConversations();
  showLog();
  showPeople();
  keep();
}

/** `#lobby`, or the name of whom one writes to, with the beginning of the session. */
function titleOf(key) {
  const title = conversations.all.get(key)?.title ?? key;
  return key.startsWith("@") ? `${title} (${short(key.slice(1))})` : title;
}

function say(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

// What the person does.

at("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = clean(at("text").value, MOST.text);
  if (!text || isOver) return;
  speak(text);
  at("text").value = "";
  count();
});

at("text").addEventListener("input", count);
function count() {
  say("left", `${MOST.text - [...at("text").value].length} characters left`);
}

at("nick").addEventListener("change", ({ target }) => {
  me.nick = clean(target.value, MOST.nick) || me.nick;
  target.value = me.nick;
  presence.renew();
  keep();
});

at("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  const room = clean(at("room").value, MOST.room).replace(/^#/, "");
  if (!room) return;
  if (!me.rooms.has(room)) {
    if (me.rooms.size >= MOST_ROOMS || !conversations.open(`#${room}`, `#${room}`)) {
      return say("problem", "These are too many rooms: leave one first.");
    }
    me.rooms.add(room);
    line.client.join(roomOf(room));
    presence.enter(room);
  }
  at("room").value = "";
  choose(`#${room}`);
});

at("transport").addEventListener("change", async ({ target }) => {
  await line.use(target.value);
  presence.renew();
  keep();
});

at("cable").addEventListener("click", () => line.plug(!line.plugged));

at("leave").addEventListener("click", async () => {
  isOver = true;
  for (const room of me.rooms) presence.say(room, "gone");
  await Promise.race([line.client.request().catch(() => {}), new Promise((late) => setTimeout(late, 1_000))]);
  await line.close();
  delete sessionStorage.chat;
  location.assign("/");
});

// What is kept for a reload: all of it at one moment, so that the ticket goes on where the log ends.

let timer;
function keep() {
  timer ??= setTimeout(store, KEEP_AFTER);
}

function store() {
  clearTimeout(timer);
  timer = undefined;
  if (isOver || !line.client?.ticket) return;
  const { nick, rooms } = me;
  const { ticket } = line.client;
  const all = { nick, rooms: [...rooms], current, over: line.over, ticket, conversations: conversations.kept, unsure: [...unsure] };
  try {
    sessionStorage.chat = JSON.stringify(all);
  } catch {
    // The browser has no room: what was kept before is as consistent as this.
  }
}
addEventListener("pagehide", store);

// The beginning.

for (const room of me.rooms) conversations.open(`#${room}`, `#${room}`);
at("nick").value = me.nick;
choose(current);
count();
try {
  const transports = await line.open();
  const over = kept.over ?? new URLSearchParams(location.search).get("over");
  offer(at("transport"), transports, transports.some(({ name }) => name === over) ? over : "websocket");
  await line.use(at("transport").value, kept.ticket);
  at("all").disabled = false;
} catch (error) {
  say("problem", error.message);
}
