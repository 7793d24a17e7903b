"""A WebSocket server of the tests: `/echo` sends each message back, `/shootout` broadcasts. What its argument says goes wrong."""

import asyncio
import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading

FAULTS = ("none", "dies", "garbage", "silent", "ends", "stubborn", "drops", "workers")
fault = sys.argv[1]
if fault == "dies":
    sys.exit("I have no luck today")
if fault not in FAULTS:
    sys.exit("what is this?")
if fault == "silent":
    sys.stdin.read()
    sys.exit()
if fault == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if fault == "workers":
    worker = subprocess.Popen(["sleep", "600"])

    def end(*_):
        worker.kill()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    with open("pids", "w") as pids:
        pids.write(f"{os.getpid()}\n{worker.pid}\n")


def end_with_parent():
    while os.read(0, 64):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


threading.Thread(target=end_with_parent, daemon=True).start()
everyone = set()
published = 0


def frame(payload, opcode=1):
    size = len(payload)
    head = bytes([0x80 | opcode, size]) if size < 126 else bytes([0x80 | opcode, 126]) + size.to_bytes(2, "big")
    return head + payload


async def read_frame(reader):
    first, second = await reader.readexactly(2)
    size = second & 127
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    key = await reader.readexactly(4)
    payload = await reader.readexactly(size)
    return first & 15, bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))


async def serve(reader, writer):
    global published
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    key = next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
    assert fields["upgrade"] == "websocket"
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    writer.write(f"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
    is_echo = head.split()[1] == "/echo"
    everyone.add(writer)
    try:
        while True:
            opcode, payload = await read_frame(reader)
            if opcode == 8:
                writer.write(frame(payload, 8))
                break
            if is_echo:
                writer.write(frame(payload))
                continue
            message = json.loads(payload)
            if message["type"] == "echo":
                # Written anew, as some do.
                writer.write(frame(json.dumps(message).encode()))
                continue
            published += 1
            for other in everyone:
                if fault != "drops" or published % 5 or other is writer:
                    other.write(frame(payload))
            result = {"type": "broadcastResult", "payload": message["payload"], "listenCount": len(everyone)}
            writer.write(frame(json.dumps(result).encode()))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        everyone.discard(writer)
        writer.close()


async def main():
    server = await asyncio.start_server(serve, os.environ["PUSHLAB_HOST"], int(os.environ["PUSHLAB_PORT"]))
    host, port = server.sockets[0].getsockname()
    assert os.listdir(os.environ["PUSHLAB_SCRATCH"]) == []
    if fault == "garbage":
        print("Listening!", flush=True)
    print(json.dumps({"ready": f"{host}:{port}"}), flush=True)
    if fault == "ends":
        # Once clients are there.
        while not everyone:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        os._exit(3)
    async with server:
        await server.serve_forever()


if fault not in ("stubborn", "workers"):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
asyncio.run(main())
