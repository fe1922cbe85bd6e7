"""Names inside an instance: AWS's services are the control plane's, all else is left as it is.

A name server of a few lines, at an address that only this instance has. It answers for the names
of services that are here with the control plane's address, and passes every other question on, byte
for byte. If it is not there, programs ask the machine's name servers, next in resolv.conf.

An application that brings an AWS access key of its own means AWS itself: then nothing is ours.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

PORT = 53
HEADER = struct.Struct("!6H")
DATAGRAM_BYTES_MAX = 4096
TTL_S = 60
PATIENCE_S = 4.0
GUESTS_MAX = 64
A, ANY_TYPE, INTERNET = 1, 255, 1
ANSWER, FAILURE = 0x8400, 0x8182  # answered by who knows it; by nobody
SERVICES = "cloudformation|dynamodb|elasticbeanstalk|logs|sns|sqs|sts"
REGION = r"[a-z]{2}(?:-[a-z]+){1,2}-\d"
OURS = re.compile(
    rf"(?:(?:{SERVICES})(?:\.{REGION})?"
    rf"|(?:{REGION}\.)?queue"
    rf"|\d{{12}}\.ddb\.{REGION}"
    rf"|(?:[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9]\.)?s3(?:\.dualstack)?(?:[.-]{REGION})?"
    r")\.amazonaws\.com"
)


class Names:
    """Answers until closed. `ours` says whether AWS's names are the control plane's just now."""

    def __init__(
        self, here: str, control_plane: str, upstream: Sequence[str], ours: Callable[[], bool]
    ) -> None:
        self._address = socket.inet_aton(control_plane)
        self._upstream = tuple(upstream)
        self._ours = ours
        self._room = threading.BoundedSemaphore(GUESTS_MAX)
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind((here, PORT))
        self._streams = socket.create_server((here, PORT), backlog=16)
        for work in (self._take_datagrams, self._take_streams):
            threading.Thread(target=work, name="names", daemon=True).start()

    def close(self) -> None:
        self._datagrams.close()
        self._streams.close()

    def _take_datagrams(self) -> None:
        while True:
            try:
                question, guest = self._datagrams.recvfrom(DATAGRAM_BYTES_MAX)
            except OSError:
                return  # closed
            self._apart(self._answer_datagram, question, guest)

    def _take_streams(self) -> None:
        while True:
            try:
                guest, _ = self._streams.accept()
            except OSError:
                return  # closed
            self._apart(self._answer_stream, guest)

    def _apart(self, work: Callable[..., None], *given: object) -> None:
        self._room.acquire()

        def run() -> None:
            try:
                with suppress(OSError, struct.error):
                    work(*given)
            finally:
                self._room.release()

        threading.Thread(target=run, daemon=True).start()

    def _answer_datagram(self, question: bytes, guest: tuple[str, int]) -> None:
        answer = self._known(question) or passed_on(question, self._upstream) or failed(question)
        self._datagrams.sendto(answer, guest)

    def _answer_stream(self, guest: socket.socket) -> None:
        with guest:
            guest.settimeout(PATIENCE_S)
            question = _framed(guest)
            answer = self._known(question) or passed_on_whole(question, self._upstream)
            answer = answer or failed(question)
            guest.sendall(struct.pack("!H", len(answer)) + answer)

    def _known(self, question: bytes) -> bytes | None:
        """Return the answer to a question about a name of ours, None to any other."""
        found = asked(question)
        if found is None or not OURS.fullmatch(found[0]) or not self._ours():
            return None
        return answered(question, found, self._address)


def asked(question: bytes) -> tuple[str, int, int] | None:
    """Return the name, the type and where the question ends; None for what is none of IPv4's."""
    if len(question) < HEADER.size or HEADER.unpack_from(question)[2] != 1:
        return None
    labels: list[str] = []
    at = HEADER.size
    while at < len(question) and (size := question[at]):
        if size > 63 or len(labels) > 40:
            return None
        labels.append(question[at + 1 : at + 1 + size].decode("latin-1").lower())
        at += 1 + size
    if at + 5 > len(question):
        return None
    kind, family = struct.unpack_from("!2H", question, at + 1)
    return (".".join(labels), kind, at + 5) if family == INTERNET else None


def answered(question: bytes, found: tuple[str, int, int], address: bytes) -> bytes:
    """Return an answer: an address where one was asked for, else that there is none of the kind."""
    _, kind, end = found
    number, flags = HEADER.unpack_from(question)[:2]
    has = kind in (A, ANY_TYPE)
    head = HEADER.pack(number, ANSWER | (flags & 0x0100) | 0x80, 1, int(has), 0, 0)
    record = struct.pack("!3HIH", 0xC000 | HEADER.size, A, INTERNET, TTL_S, 4) + address
    return head + question[HEADER.size : end] + (record if has else b"")


def failed(question: bytes) -> bytes:
    """Return the answer that nobody knows: whoever asked goes on to the next server at once."""
    if len(question) < HEADER.size:
        return b""
    number, *_ = HEADER.unpack_from(question)
    return HEADER.pack(number, FAILURE, 0, 0, 0, 0)


def passed_on(question: bytes, servers: Sequence[str]) -> bytes | None:
    """Return what the first of the machine's name servers says that says anything."""
    for server in servers:
        with (
            suppress(OSError),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line,
        ):
            line.settimeout(PATIENCE_S)
            line.connect((server, PORT))
            line.send(question)
            answer = line.recv(65_535)
            if answer[:2] == question[:2]:
                return answer
    return None


def passed_on_whole(question: bytes, servers: Sequence[str]) -> bytes | None:
    for server in servers:
        with (
            suppress(OSError, struct.error),
            socket.create_connection((server, PORT), PATIENCE_S) as line,
        ):
            line.sendall(struct.pack("!H", len(question)) + question)
            return _framed(line)
    return None


def _framed(line: socket.socket) -> bytes:
    (size,) = struct.unpack("!H", _exactly(line, 2))
    return _exactly(line, size)


def _exactly(line: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = line.recv(size - len(found))
        if not piece:
            raise OSError("the connection ended early")
        found += piece
    return found
