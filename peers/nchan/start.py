"""Starts nginx with Nchan for one run, says when it accepts, and ends it.

It ends on SIGTERM and at the end of standard input; if it is killed, the kernel ends nginx. nginx is always killed: it has nothing to keep,
and Nchan 1.3.6 as the only process frees its memory twice when it ends by itself.
"""

import ctypes
import os
import resource
import signal
import socket
import string
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MODULE = f"{HERE}/ngx_nchan_module.so"  # A link to Debian's.
PR_SET_PDEATHSIG = 1
ATTEMPTS = 5  # A free port may be taken by someone else before nginx has it.
PATIENCE = 10  # Seconds until it must accept.
MOST_FILES = 65_536  # nginx sets room aside for each connection that it may have, at the start.

libc = ctypes.CDLL(None, use_errno=True)


def main():
    host = os.environ.get("PUSHLAB_HOST", "127.0.0.1")
    wanted = int(os.environ.get("PUSHLAB_PORT", "0"))
    scratch = os.environ.get("PUSHLAB_SCRATCH") or tempfile.mkdtemp(prefix="pushlab-nchan-")
    if not os.path.exists(MODULE):
        sys.exit(f"{MODULE} is missing: run pushlab peers setup nchan")
    for attempt in range(1 if wanted else ATTEMPTS):
        port = wanted or free_port(host)
        nginx = start(host, port, scratch)
        if accepts(nginx, host, port):
            break
        nginx.kill()
        nginx.wait()
    else:
        sys.exit(f"nginx doesn't accept on {host}:{wanted}")
    signal.signal(signal.SIGTERM, lambda *_: nginx.kill())
    threading.Thread(target=end_with_parent, args=[nginx], daemon=True).start()
    print(f'{{"ready":"{host}:{port}"}}', flush=True)
    code = nginx.wait()
    sys.exit(0 if code == -signal.SIGKILL else f"nginx ended with {code}")


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def start(host, port, scratch):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open(f"{HERE}/nginx.conf.template") as template:
        config = string.Template(template.read()).substitute(
            module=MODULE, files=min(hard, MOST_FILES), scratch=scratch, host=host, port=port
        )
    path = f"{scratch}/nginx.conf"
    with open(path, "w") as file:
        file.write(config)
    command = ["nginx", "-p", scratch, "-c", path, "-e", "stderr"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=end_with_script)


def end_with_script():
    """In nginx's process, before it is nginx: asks the kernel to kill it when this script is gone."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def accepts(nginx, host, port):
    """Whether nginx itself, not somebody else at this port, answers; it refuses until it listens."""
    end = time.monotonic() + PATIENCE
    while nginx.poll() is None and time.monotonic() < end:
        try:
            with socket.create_connection((host, port), timeout=1) as probe:
                probe.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                if b" 200 " in probe.recv(64) and nginx.poll() is None:
                    return True
        except OSError:
            pass
        time.sleep(0.01)
    return False


def end_with_parent(nginx):
    while os.read(0, 64):
        pass
    nginx.kill()


if __name__ == "__main__":
    main()
