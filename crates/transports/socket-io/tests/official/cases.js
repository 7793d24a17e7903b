// What the official client must be able to do, written once for Node and for a browser. Each case is given the client's `io`, the server's URL and
// the options that say by which transports.

/** Runs a case; its sockets are closed in the end. */
export async function run(name, io, url, options) {
  const sockets = [];
  const open = (path = "", more = {}) => {
    const socket = io(url + path, { forceNew: true, reconnectionDelay: 20, ...options, ...more });
    sockets.push(socket);
    return socket;
  };
  try {
    await within(cases[name](open, options), name);
    return "ok";
  } finally {
    for (const socket of sockets) socket.disconnect();
  }
}

const cases = {
  /** Requests bring their data back, commands are acknowledged, and what is refused says why. */
  async acks(open) {
    const socket = await connected(open());
    for (const data of [null, 0, "text", [1, [2]], { a: { b: "c" } }, "é…😀"]) {
      equal(await socket.emitWithAck("pushlab:request", data), data);
    }
    equal(await socket.emitWithAck("pushlab:join", "blue"), { op: "ok" });
    equal(await socket.emitWithAck("pushlab:leave", "blue"), { op: "ok" });
    const [error, mark] = await new Promise((answer) =>
      socket.emit("pushlab:join", "", (...args) => answer(args)),
    );
    equal([error.op, error.code, mark], ["error", "malformed", "error"]);
    const told = once(socket, "pushlab:error");
    socket.emit("pushlab:emit", { to: "nobody" });
    equal((await told)[0].code, "malformed");
    // In order, many at once.
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, number) => socket.emitWithAck("pushlab:request", number)),
    );
    equal(answers, Array.from({ length: 100 }, (_, number) => number));
  },

  /** Text and binary data come back from the echo as they went, in events and in answers. */
  async echo(open) {
    const socket = await connected(open("/echo"));
    const bytes = new Uint8Array([0, 1, 2, 253, 254, 255]);
    const back = once(socket, "both");
    socket.emit("both", "text", bytes, { deep: [bytes, 7] });
    const [text, whole, { deep }] = await back;
    equal([text, list(whole), list(deep[0]), deep[1]], ["text", list(bytes), list(bytes), 7]);
    const answer = await new Promise((answer) =>
      socket.emit("ack", 1, bytes, (...args) => answer(args)),
    );
    equal([answer[0], list(answer[1])], [1, list(bytes)]);
    const large = new Uint8Array(100_000).map((_, index) => index % 251);
    equal(list(await socket.emitWithAck("large", large)), list(large));
  },

  /** Each audience is whom it names, `socket.id` is who others know one by, and events come as name, data, sender. */
  async audiences(open) {
    const [one, two, three] = await Promise.all([0, 1, 2].map(() => connected(open())));
    const heard = new Map([one, two, three].map((socket) => [socket, []]));
    for (const [socket, list] of heard) {
      socket.onAny((name, data, from) => {
        if (name.startsWith("event ")) list.push([name, data, from]);
      });
    }
    for (const socket of [one, two]) await socket.emitWithAck("pushlab:join", "blue");
    const table = [
      ["everyone", [one, two, three]],
      ["others", [two, three]],
      ["sender", [one]],
      [{ room: "blue" }, [one, two]],
      [{ "room-others": "blue" }, [two]],
      [{ session: three.id }, [three]],
    ];
    for (const [number, [to]] of table.entries()) {
      const emitted = { to, event: `event ${number}`, data: { number } };
      equal(await one.emitWithAck("pushlab:emit", emitted), { op: "ok" });
    }
    for (const [socket, list] of heard) {
      await until(socket);
      const expected = [...table.entries()]
        .filter(([, [, receivers]]) => receivers.includes(socket))
        .map(([number]) => [`event ${number}`, { number }, one.id]);
      equal(list, expected);
    }
  },

  /** A namespace that isn't there is refused, on a connection whose others live. */
  async namespaces(open) {
    const refused = open("/nowhere");
    equal((await once(refused, "connect_error"))[0].message, "Invalid namespace");
    const root = await connected(open());
    const echo = await connected(root.io.socket("/echo"));
    equal(await echo.emitWithAck("x", 1), 1);
    equal(await root.emitWithAck("pushlab:request", 2), 2);
    echo.disconnect();
    equal(await root.emitWithAck("pushlab:request", 3), 3);
  },

  /** Why a client is disconnected, and why it can't connect. */
  async reasons(open) {
    const socket = await connected(open());
    const left = once(socket, "disconnect");
    socket.disconnect();
    equal((await left)[0], "io client disconnect");

    const older = open();
    const [welcome] = await once(older, "pushlab:welcome");
    const why = once(older, "pushlab:disconnect");
    const gone = once(older, "disconnect");
    const newer = await connected(open("", { auth: { token: welcome.token, received: 0 } }));
    equal(newer.id, welcome.session);
    equal((await why)[0].code, "conflict");
    equal((await gone)[0], "io server disconnect");

    const refused = open("", { auth: { token: welcome.token, received: 1e9 } });
    const [error] = await once(refused, "connect_error");
    equal(error.data.code, "malformed");
  },

  /** Cut and connected again by itself, a client that counts has missed nothing and hears nothing twice: five times over. */
  async resume(open) {
    const other = await connected(open());
    let token;
    let received = 0;
    const heard = [];
    const socket = open("", { auth: (give) => give(token ? { token, received } : {}) });
    socket.onAny((name, data) => {
      if (name === "pushlab:welcome") {
        if (!data.resumed) received = 0;
        token = data.token;
      } else if (name === "pushlab:gap") {
        received += data.missed;
      } else if (!name.startsWith("pushlab:")) {
        received += 1;
        if (name === "n") heard.push(data);
      }
    });
    await connected(socket);
    await socket.emitWithAck("pushlab:join", "blue");
    const { id } = socket;
    let number = 0;
    const tell = () =>
      other.emitWithAck("pushlab:emit", { to: { room: "blue" }, event: "n", data: number++ });
    for (let cut = 0; cut < 5; cut++) {
      await tell();
      const gone = once(socket, "disconnect");
      socket.io.engine.close();
      await gone;
      const again = once(socket, "connect");
      await tell();
      await tell();
      await again;
      equal(socket.id, id);
      await tell();
    }
    await until(socket);
    equal(heard, Array.from({ length: number }, (_, each) => each));
  },

  /** What carries it, and that nothing is lost where that changes. */
  async transports(open, options) {
    const socket = open();
    const heard = [];
    socket.on("n", (data) => heard.push(data));
    await connected(socket);
    const { engine } = socket.io;
    const upgrades = !options.transports && engine.transport.name === "polling";
    const upgraded = upgrades ? new Promise((done) => engine.once("upgrade", done)) : undefined;
    const tell = (number) =>
      socket.emit("pushlab:emit", { to: "sender", event: "n", data: number });
    for (let number = 0; number < 50; number++) tell(number);
    await upgraded;
    for (let number = 50; number < 100; number++) tell(number);
    await until(socket);
    equal(heard, Array.from({ length: 100 }, (_, number) => number));
    equal(engine.transport.name, options.transports?.[0] ?? "websocket");
  },

  /** A connection lives through many pings. */
  async pings(open) {
    const socket = await connected(open());
    let disconnected = false;
    socket.on("disconnect", () => (disconnected = true));
    const { engine } = socket.io;
    for (let ping = 0; ping < 5; ping++) await new Promise((heard) => engine.once("ping", heard));
    equal(await socket.emitWithAck("pushlab:request", 1), 1);
    equal(disconnected, false);
  },
};

export const names = Object.keys(cases);

async function connected(socket) {
  if (!socket.connected) {
    await Promise.race([
      once(socket, "connect"),
      once(socket, "connect_error").then(([error]) => Promise.reject(error)),
    ]);
  }
  return socket;
}

/** The arguments of the next event of this name. */
function once(socket, name) {
  return new Promise((heard) => socket.once(name, (...args) => heard(args)));
}

/** All that was sent to this socket before has come: a marker that it sends itself does. */
async function until(socket) {
  const marker = once(socket, "marker");
  socket.emit("pushlab:emit", { to: "sender", event: "marker", data: null });
  await marker;
}

function list(bytes) {
  return [...new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength)];
}

function equal(got, expected) {
  const [left, right] = [JSON.stringify(got), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${left.slice(0, 500)} is not ${right.slice(0, 500)}`);
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`waited in vain for ${what}`)), 25_000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
