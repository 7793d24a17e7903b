// ws on Node: /echo sends each message back, /shootout speaks the shootout protocol. One process, one thread.
'use strict';

const { createServer } = require('node:http');
const { WebSocket, WebSocketServer } = require('ws');

const BACKLOG = 4096; // Connections that may wait to be accepted: a run opens thousands at once.
const MAX_WAITING = 1 << 20; // Bytes that may wait for a slow connection; beyond that it is closed, for ws itself has no bound.

// `bufferutil` is installed beside it, as ws advises; compression is off, its default. Node's server sets TCP_NODELAY.
const options = { noServer: true, maxPayload: 1 << 20, perMessageDeflate: false };
const routes = { '/echo': new WebSocketServer(options), '/shootout': new WebSocketServer(options) };

routes['/echo'].on('connection', (ws) => {
  ws.on('error', () => {}); // What breaks one connection closes it alone.
  ws.on('message', (data, isBinary) => send(ws, data, isBinary));
});

routes['/shootout'].on('connection', (ws) => {
  ws.on('error', () => {});
  ws.on('message', (data) => {
    const command = parse(data);
    if (command?.type === 'echo') {
      send(ws, data, false);
    } else if (command?.type === 'broadcast') {
      let listenCount = 0;
      for (const client of routes['/shootout'].clients) {
        if (client.readyState === WebSocket.OPEN) {
          send(client, data, false);
          listenCount += 1;
        }
      }
      send(ws, JSON.stringify({ type: 'broadcastResult', payload: command.payload, listenCount }), false);
    } else {
      ws.close(1003);
    }
  });
});

function send(ws, data, binary) {
  if (ws.bufferedAmount > MAX_WAITING) {
    ws.terminate();
  } else {
    ws.send(data, { binary });
  }
}

function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

const server = createServer((request, response) => {
  response.writeHead(Object.hasOwn(routes, request.url) ? 426 : 404).end();
});
server.on('upgrade', (request, socket, head) => {
  const route = Object.hasOwn(routes, request.url) ? routes[request.url] : undefined;
  if (route) {
    route.handleUpgrade(request, socket, head, (ws) => route.emit('connection', ws, request));
  } else {
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  }
});

const host = process.env.PUSHLAB_HOST ?? '127.0.0.1';
server.listen({ host, port: Number(process.env.PUSHLAB_PORT ?? 0), backlog: BACKLOG }, () => {
  console.log(JSON.stringify({ ready: `${host}:${server.address().port}` }));
});

// Standard input ends when the parent is gone, however it went.
process.stdin.on('end', () => process.exit()).on('error', () => process.exit()).resume();
