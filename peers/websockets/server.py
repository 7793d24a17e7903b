"""Python's websockets: /echo sends each message back, /shootout speaks the shootout protocol.

One process, one thread, with uvloop, as the library's page on performance advises.
"""

import asyncio
import http
import json
import os
import threading

import uvloop
from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed

BACKLOG = 4096  # Connections that may wait to be accepted: a run opens thousands at once.
MAX_MESSAGE = 1 << 20  # Bytes.

everyone = set()


async def echo(ws):
    async for message in ws:
        await ws.send(message)


async def shootout(ws):
    everyone.add(ws)
    try:
        async for message in ws:
            try:
                command = json.loads(message)
                kind, payload = command["type"], command["payload"]
            except (ValueError, KeyError, TypeError):
                return await ws.close(1003)
            if kind == "echo":
                await ws.send(message)
            elif kind == "broadcast":
                # Writes to all without waiting for the slow; the keepalive closes a connection that stays behind, 40 s at most.
                broadcast(everyone, message)
                result = {"type": "broadcastResult", "payload": payload, "listenCount": len(everyone)}
                await ws.send(json.dumps(result, separators=(",", ":")))
            else:
                return await ws.close(1003)
    finally:
        everyone.discard(ws)


routes = {"/echo": echo, "/shootout": shootout}


def known(ws, request):
    if request.path not in routes:
        return ws.respond(http.HTTPStatus.NOT_FOUND, "Not found\n")


async def handle(ws):
    try:
        await routes[ws.request.path](ws)
    except ConnectionClosed:
        pass  # Its client is gone, without a good-bye.


def end_with_parent():
    """Ends when standard input does: the parent is gone then, however it went."""
    while os.read(0, 64):
        pass
    os._exit(0)


async def main():
    host = os.environ.get("PUSHLAB_HOST", "127.0.0.1")
    port = int(os.environ.get("PUSHLAB_PORT", "0"))
    server = await serve(
        handle,
        host,
        port,
        process_request=known,
        compression=None,  # As every peer.
        max_size=MAX_MESSAGE,
        backlog=BACKLOG,
    )  # Both loops set TCP_NODELAY on what they accept.
    threading.Thread(target=end_with_parent, daemon=True).start()
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"ready": f"{host}:{port}"}, separators=(",", ":")), flush=True)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
