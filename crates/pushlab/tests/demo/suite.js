// What a page does with a transport's module, for the tests: `suite` has what they ask for. Told where modules and servers are.
window.suite = (() => {
  const BACKOFF = { first: 10, most: 100, jitter: 20 };
  const until = async (what, is) => {
    const end = performance.now() + 25_000;
    while (!is()) {
      if (performance.now() > end) throw new Error(`in vain: ${what}`);
      await new Promise((done) => setTimeout(done, 2));
    }
  };

  /** A client that writes down what it is told. */
  const connect = async (module, url, options = {}) => {
    const { connect } = await import(`/modules/${module}.js`);
    const client = connect(url, { backoff: BACKOFF, interval: 20, ...options });
    const notes = { client, welcomes: [], events: [], gaps: [], states: [], errors: [], numbers: [] };
    client.onwelcome = (welcome) => notes.welcomes.push(welcome);
    client.onevent = ({ event, from, data }) => {
      notes.events.push({ event, from, data });
      if (event === "n") notes.numbers.push(data);
    };
    client.ongap = ({ missed }) => notes.gaps.push(missed);
    client.onstate = (state, why) => notes.states.push([state, why]);
    client.onerror = (error) => notes.errors.push(error);
    notes.welcomed = (count = 1) => until(`${module}: welcome ${count}`, () => notes.welcomes.length >= count);
    notes.heard = (name) => until(`${module}: ${name}`, () => notes.events.some(({ event }) => event === name));
    notes.is = (state) => until(`${module}: ${state}`, () => client.state === state);
    return notes;
  };

  /** Two clients that are in the same room but for the third. */
  const crowd = async (module, url) => {
    const all = await Promise.all([0, 1, 2].map(() => connect(module, url)));
    for (const { client } of all.slice(0, 2)) client.join("blue");
    await Promise.all(all.map((one) => one.welcomed()));
    await Promise.all(all.map(({ client }) => client.request()));
    return all;
  };

  const closeAll = (all) => Promise.all(all.map(({ client }) => client.close()));

  return {
    connect,
    until,

    /** Who hears what, of each audience: [[event, data, is from the first]] of each of the three. */
    async audiences(module, url) {
      const all = await crowd(module, url);
      const [one, , three] = all.map(({ client }) => client);
      const data = { text: "<b>Grüße\n\u001e\u2028</b>", list: [1, null, 1e300] };
      const to = ["everyone", "others", "sender", { room: "blue" }, { "room-others": "blue" }, { session: three.session }];
      for (const [number, audience] of to.entries()) one.emit(audience, `event ${number}`, { ...data, number });
      const answer = await one.request(data);
      one.emit("everyone", "connect", 0);
      one.emit("everyone", "end");
      await Promise.all(all.map((each) => each.heard("end")));
      all[1].client.leave("blue");
      await all[1].client.request();
      one.emit({ room: "blue" }, "after leaving");
      one.emit("everyone", "end again");
      await Promise.all(all.map((each) => each.heard("end again")));
      const heard = all.map(({ events }) => events.map(({ event, data, from }) => [event, data?.number ?? data, from === one.session]));
      const whole = all[2].events.find(({ event }) => event === "event 0").data;
      const counts = all.map(({ client, events }) => client.received >= events.length);
      await closeAll(all);
      return {
        heard,
        echoes: JSON.stringify(answer) === JSON.stringify(data) && JSON.stringify(whole) === JSON.stringify({ ...data, number: 0 }),
        welcomes: all.map(({ welcomes }) => welcomes.map(({ session, resumed }) => [session.length > 16, resumed])),
        states: all[0].states.map(([state]) => state),
        errors: all.flatMap(({ errors }) => errors),
        counts,
        after: [one.state, await one.request().catch((error) => error.message)],
      };
    },

    /** Listens by way of `proxied` to what is published past it, and says numbers itself, until `finish`. */
    async begin(module, proxied, direct) {
      const listener = await connect(module, proxied);
      const witness = await connect("websocket", direct.websocket);
      const publisher = await connect("websocket", direct.websocket);
      listener.client.join("blue");
      witness.client.join("own");
      await Promise.all([listener.welcomed(), witness.welcomed(), publisher.welcomed()]);
      await Promise.all([listener.client.request(), witness.client.request()]);
      let [published, said] = [0, 0];
      const asked = [];
      const timer = setInterval(() => {
        publisher.client.emit({ room: "blue" }, "n", published++);
        if (published % 4 === 0) listener.client.emit({ room: "own" }, "n", said++);
        if (published % 8 === 0) {
          const answer = listener.client.request(published);
          answer.catch(() => {});
          asked.push(answer);
        }
      }, 5);
      this.under = { listener, witness, publisher, asked, timer, counts: () => ({ published, said }) };
    },

    /** What came of it. */
    async finish() {
      const { listener, witness, publisher, asked, timer, counts } = this.under;
      clearInterval(timer);
      const answers = await Promise.allSettled(asked);
      const { published, said } = counts();
      await until("the last number", () => listener.numbers.includes(published - 1));
      listener.client.emit({ room: "own" }, "end");
      await witness.heard("end");
      const result = {
        published,
        said,
        heard: listener.numbers,
        witnessed: witness.numbers,
        unknown: listener.errors.flatMap(({ code, commands }) => (code === "unknown" ? commands.map(({ data }) => data) : [])),
        refused: listener.errors.filter(({ code }) => code !== "unknown"),
        resumed: listener.welcomes.slice(1).map(({ resumed }) => resumed),
        gaps: listener.gaps,
        answered: answers.filter(({ status }) => status === "fulfilled").length,
        unanswered: answers.filter(({ status }) => status === "rejected").length,
      };
      await closeAll([listener, witness, publisher]);
      return result;
    },

    /** A client that keeps its ticket for the page after this one. */
    async keep(module, url) {
      const one = await connect(module, url);
      one.client.join("blue");
      await one.welcomed();
      one.client.emit({ room: "blue" }, "n", 0);
      await one.client.request();
      await until("the first", () => one.numbers.length === 1);
      sessionStorage.ticket = JSON.stringify(one.client.ticket);
      return one.client.session;
    },

    /** The page after that one. */
    async goOn(module, url, direct) {
      const publisher = await connect("websocket", direct.websocket);
      for (const number of [1, 2]) publisher.client.emit({ room: "blue" }, "n", number);
      await publisher.client.request();
      const one = await connect(module, url, { ticket: JSON.parse(sessionStorage.ticket) });
      await one.welcomed();
      publisher.client.emit({ room: "blue" }, "n", 3);
      await until("the rest", () => one.numbers.length >= 3);
      const { ticket } = one.client;
      await closeAll([one, publisher]);
      // It is over: its ticket brings a new session.
      const other = await connect(module, url, { ticket });
      await other.welcomed();
      const result = { session: one.client.session, numbers: one.numbers, resumed: [...one.welcomes, ...other.welcomes].map(({ resumed }) => resumed) };
      await closeAll([other]);
      return result;
    },

    /** Connected by way of `proxied`; comes back only when it is told that the machine is on-line. */
    async patient(module, proxied, direct) {
      const one = await connect(module, proxied, { backoff: { jitter: 1e9, first: 1e9, most: 1e9 } });
      one.client.join("blue");
      await one.welcomed();
      await one.client.request();
      const publisher = await connect("websocket", direct.websocket);
      await publisher.welcomed();
      this.under = { one, publisher, asked: null };
    },

    /** Once it is cut: its session is ended by somebody else, and it comes back. */
    async lose(direct) {
      const { one, publisher } = this.under;
      await one.is("waiting");
      const before = one.client.session;
      const headers = { authorization: `Bearer ${one.client.token}` };
      await fetch(`${direct["request-response"]}/session`, { method: "DELETE", headers });
      // What is said meanwhile waits; what nobody can answer any more fails.
      one.client.emit({ room: "blue" }, "n", 1);
      window.dispatchEvent(new Event("online"));
      await one.welcomed(2);
      await one.client.request();
      publisher.client.emit({ room: "blue" }, "n", 2);
      await until("both", () => one.numbers.length >= 2);
      const result = { numbers: one.numbers, resumed: one.welcomes.map(({ resumed }) => resumed), isNew: before !== one.client.session, received: one.client.received };
      await closeAll([one, publisher]);
      return result;
    },

    /** Once it is cut: more is published than a mailbox keeps. */
    async overflow(count) {
      const { one, publisher } = this.under;
      await one.is("waiting");
      for (let number = 0; number < count; number++) publisher.client.emit({ room: "blue" }, "n", number);
      await publisher.client.request();
      window.dispatchEvent(new Event("online"));
      await until("the last", () => one.numbers.at(-1) === count - 1);
      const result = { numbers: one.numbers, gaps: one.gaps, resumed: one.welcomes.map(({ resumed }) => resumed), received: one.client.received };
      await closeAll([one, publisher]);
      return result;
    },

    /** Commands without a server: how many wait, and that the next one is refused. */
    async bounded(module, url) {
      const one = await connect(module, url, { backoff: { jitter: 1e9 } });
      let given = 0;
      let refused = "";
      try {
        for (; given < 5_000; given++) one.client.emit("sender", "n", given);
      } catch (error) {
        refused = error.message;
      }
      await one.is("waiting");
      const request = await one.client.request().catch((error) => error.message);
      await one.client.close();
      return { given, refused, request, state: one.client.state };
    },
  };
})();
