// HELLO in one tab, WORLD in the other: the smallest program of two pages that hear each other, over the
// transport that each chooses.

import { Code } from "./chat/code.js";
import { Line, describe, offer } from "./chat/line.js";
import { MOST, clean, element, short } from "./chat/text.js";

const ROOM = "hello";
const MOST_SHOWN = 100;

const at = (id) => document.getElementById(id);
const line = new Line();
const code = new Code(at("code"));

line.onclient = (client) => {
  at("hello").dataset.transport = line.over;
  code.use(line.over);
  client.onstate = (state) => {
    at("state").textContent = describe(state, line.plugged);
    document.documentElement.dataset.hello = state;
  };
  client.onwelcome = ({ session }) => (at("session").textContent = short(session));
  client.onevent = ({ event, from, data }) => {
    if (event === "hello") show(from === client.session, from, data);
  };
  client.onerror = ({ message }) => (at("problem").textContent = message);
  client.join(ROOM);
};

at("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = clean(at("text").value, MOST.text);
  if (!text) return;
  try {
    line.client.emit({ room: ROOM }, "hello", { text, over: line.over });
    at("text").value = "";
    at("problem").textContent = "";
  } catch (error) {
    at("problem").textContent = error.message;
  }
});

at("transport").addEventListener("change", ({ target }) => line.use(target.value));

function show(isOwn, from, data) {
  const [text, over] = [clean(data?.text, MOST.text), clean(data?.over, MOST.nick)];
  if (!text) return;
  const entry = element("div", isOwn ? "own" : "");
  const who = element("span", "who", isOwn ? "this tab" : `tab ${short(from)}`);
  if (over) who.append(`, over ${over}`);
  entry.append(element("bdi", "text", text), who);
  const list = at("heard");
  list.append(entry);
  if (list.children.length > MOST_SHOWN) list.firstElementChild.remove();
  entry.scrollIntoView({ block: "nearest" });
}

line.ongone = () => (at("problem").textContent = "The demo has ended. Start it again and load this page anew.");

try {
  const transports = await line.open();
  offer(at("transport"), transports, "websocket");
  await line.use(at("transport").value);
  at("form").disabled = false;
  at("text").focus();
} catch (error) {
  at("problem").textContent = error.message;
}
