"""The site that visitors visit, on whatever serves WSGI; its WebSockets need gunicorn's threads.

    /            at once
    /slow/S      after S seconds of silence
    /drip/S      a dot every quarter of a second for S seconds, and then the answer
    /socket      a WebSocket that says everything again

Each answer is: version, host, bytes received, COLOUR, a mark of the process, SHA-256 of the bytes.
"""

import base64
import hashlib
import os
import signal
import socket
import struct
import threading
import time

VERSION = "unversioned"
BORN = os.urandom(8).hex()
HOST = socket.gethostname()
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, GOING_AWAY = 0x1, 0x8, 1001
GOODBYE_S = 3.0
ENDING = threading.Event()


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/socket":
        return converse(environ)
    size, digest = take(environ["wsgi.input"])
    text = answer(size, digest).encode()
    seconds = float(path.rpartition("/")[2]) if path.startswith(("/slow/", "/drip/")) else 0.0
    if path.startswith("/drip/"):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return drip(seconds, text)
    time.sleep(seconds)
    length = ("Content-Length", str(len(text)))
    start_response("200 OK", [("Content-Type", "text/plain"), length])
    return [text]


def take(stream):
    size, digest = 0, hashlib.sha256()
    while piece := stream.read(65536):
        size += len(piece)
        digest.update(piece)
    return size, digest.hexdigest()


def answer(size, digest):
    words = (VERSION, HOST, size, os.environ.get("COLOUR") or "-", BORN, digest)
    return " ".join(map(str, words))


def drip(seconds, text):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield b"."
        time.sleep(0.25)
    yield b" " + text


def converse(environ):
    """Echo with version and host in front; when the process is to end, say so after an echo."""
    wire = environ["gunicorn.socket"]
    key = environ["HTTP_SEC_WEBSOCKET_KEY"].encode()
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    wire.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    opcode, payload = receive(wire)
    while opcode == TEXT:
        send(wire, TEXT, f"{VERSION} {HOST} ".encode() + payload)
        if ENDING.is_set():
            send(wire, CLOSE, struct.pack("!H", GOING_AWAY))
            wire.settimeout(GOODBYE_S)
            while opcode != CLOSE:
                opcode, payload = receive(wire)
            break
        opcode, payload = receive(wire)
    else:
        send(wire, CLOSE, payload[:2])
    raise BrokenPipeError  # there is nothing more to say on this connection, in HTTP or otherwise


def receive(wire):
    first, second = exactly(wire, 2)
    mask = exactly(wire, 4)
    payload = exactly(wire, second & 0x7F)
    return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def exactly(wire, size):
    data = b""
    while len(data) < size:
        piece = wire.recv(size - len(data))
        if not piece:
            raise BrokenPipeError
        data += piece
    return data


def send(wire, opcode, payload):
    wire.sendall(bytes([0x80 | opcode, len(payload)]) + payload)


def _heed_the_end():
    """Have conversations end when the process is told to, before its server ends them."""
    if threading.current_thread() is not threading.main_thread():
        return
    before = signal.getsignal(signal.SIGTERM)

    def end(number, frame):
        ENDING.set()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, end)


_heed_the_end()
