// The lab's Socket.IO wire on the reference server. One process, one thread.
'use strict';

const { createServer } = require('node:http');
const { Server } = require('socket.io');

const BACKLOG = 4096; // Connections that may wait to be accepted: a run opens thousands at once.

const server = createServer(); // Sets TCP_NODELAY.
const io = new Server(server, {
  serveClient: false,
  httpCompression: false, // On by default, from 1 KiB; no peer compresses.
  perMessageDeflate: false, // Its default.
  maxHttpBufferSize: 1 << 20,
});

// As its documentation advises for memory: the first request of a session isn't kept. `bufferutil`, which it advises too, is
// installed beside it.
io.engine.on('connection', (raw) => {
  raw.request = null;
});

const OK = { op: 'ok' };
const MALFORMED = { op: 'error', code: 'malformed', message: 'wrong argument' };

io.on('connection', (socket) => {
  on(socket, 'pushlab:join', (room) => isName(room) && (socket.join(room), OK));
  on(socket, 'pushlab:leave', (room) => isName(room) && (socket.leave(room), OK));
  on(socket, 'pushlab:emit', (emit) => {
    const { to, event, data } = emit ?? {};
    const operator = isName(event) && audience(socket, to);
    return operator && (operator.emit(event, data, socket.id), OK);
  });
  socket.on('pushlab:request', (data, ack) => {
    if (typeof ack === 'function') {
      ack(data);
    }
  });
});

// Socket.IO acknowledges in the last argument, if its client asked for that.
function on(socket, name, carryOut) {
  socket.on(name, (argument, ack) => {
    let answer;
    try {
      answer = carryOut(argument) || MALFORMED;
    } catch {
      answer = MALFORMED; // `emit` throws at the names that it keeps for itself.
    }
    if (typeof ack === 'function') {
      ack(answer);
    }
  });
}

// The six audiences, by Socket.IO's own operations; undefined for what is none.
function audience(socket, to) {
  switch (to) {
    case 'everyone':
      return io;
    case 'others':
      return socket.broadcast;
    case 'sender':
      return socket;
  }
  if (isName(to?.room)) {
    return io.to(to.room);
  }
  if (isName(to?.['room-others'])) {
    return socket.to(to['room-others']);
  }
  if (isName(to?.session)) {
    return io.to(to.session); // A room that every socket is in from the beginning.
  }
}

function isName(value) {
  return typeof value === 'string' && value !== '';
}

const host = process.env.PUSHLAB_HOST ?? '127.0.0.1';
server.listen({ host, port: Number(process.env.PUSHLAB_PORT ?? 0), backlog: BACKLOG }, () => {
  console.log(JSON.stringify({ ready: `${host}:${server.address().port}` }));
});

// Standard input ends when the parent is gone, however it went.
process.stdin.on('end', () => process.exit()).on('error', () => process.exit()).resume();
