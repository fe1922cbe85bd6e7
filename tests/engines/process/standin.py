"""Stands in for the agent: an HTTP server that does on its instance what a test asks it to.

Run as `python -I standin.py CONFIG`. Answers are JSON. It obeys anybody who can reach it.
"""
# ruff: noqa: PTH110, PTH123, PTH208, PTH115 - it runs alone and starts fast

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlsplit


def read(path):
    with open(path, "rb") as file:
        return file.read().decode(errors="replace")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return "written"


def connect(host, port):
    with socket.create_connection((host, int(port)), 1) as sock:
        return str(sock.getsockname())


def dial(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(2)
        sock.connect(path)
        return sock.recv(100).decode()


def run(argv):
    done = subprocess.run(json.loads(argv), capture_output=True, text=True, timeout=60, check=False)
    return [done.returncode, done.stdout, done.stderr]


def spawn(argv):
    return subprocess.Popen(json.loads(argv), start_new_session=True).pid


def eat(mib):
    """Have a child use that much memory; return how the child ended."""
    script = f"b = bytearray({int(mib)} << 20); b[::4096] = bytes(len(b[::4096]))"
    return subprocess.run([sys.executable, "-I", "-c", script], check=False).returncode


def fork(count):
    """Return how many children could be made of those asked for."""
    made = []
    try:
        for _ in range(int(count)):
            made.append(os.fork())
            if made[-1] == 0:
                time.sleep(30)
                os._exit(0)
    except OSError:
        pass
    for pid in made:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return len(made)


def walk(path):
    return sorted(os.listdir(path))


def me():
    return {
        "uid": os.getuid(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "env": dict(os.environ),
        "status": read("/proc/self/status"),
        "fds": {
            n: os.readlink(f"/proc/self/fd/{n}")
            for n in os.listdir("/proc/self/fd")
            if os.path.exists(f"/proc/self/fd/{n}")
        },
    }


def gorge():
    """Use up all memory in this very process."""
    kept = []
    while True:
        kept.append(bytes([1]) * (16 << 20))


def leave(code):
    os._exit(int(code))


def mask():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return "deaf"


DEEDS = {
    f.__name__: f
    for f in (read, write, connect, dial, run, spawn, eat, gorge, fork, walk, me, leave, mask)
}
CONFIG = json.loads(read(sys.argv[1]))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        parts = urlsplit(self.path)
        deed = DEEDS.get(parts.path.strip("/"))
        try:
            given = {k: v[0] for k, v in parse_qs(parts.query).items()}
            answer = {"ok": deed(**given)} if deed else {"ok": CONFIG}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def end(*_):
    with open(CONFIG["prefix"] + "/last-words", "w") as file:
        file.write("SIGTERM")
    os._exit(0)


class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    print("standing in for", CONFIG["instance"], flush=True)
    Server((CONFIG["address"], CONFIG["port"]), Handler).serve_forever()
