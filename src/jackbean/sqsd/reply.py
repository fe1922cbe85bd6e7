"""An answer in HTTP/1.x, as it comes in: bytes go in, status and body come out. No I/O."""

from __future__ import annotations

HEAD_BYTES_MAX = 64 << 10
LINE_BYTES_MAX = 8 << 10


class NotHttp(ValueError):
    """What came is no answer that could be understood: a clause that says why."""


class Reply:
    """`keep` is how much of the body is wanted; what is beyond it is read and let go."""

    def __init__(self, keep: int) -> None:
        self.status = 0
        self.done = False
        self._keep = keep
        self._buffer = bytearray()
        self._body = bytearray()
        self._left: int | None = None  # of the body or of a chunk; None: until the end
        self._chunked = False
        self._trailing = False
        self.headers: dict[str, str] = {}

    @property
    def body(self) -> bytes:
        return bytes(self._body)

    def feed(self, data: bytes) -> None:
        """Take what has come. Raises NotHttp."""
        self._buffer += data
        while not self.status and self._read_head():
            pass
        if self.status and not self.done:
            if self._chunked:
                self._read_chunks()
            else:
                self._read_plain()

    def end(self) -> None:
        """Take note that nothing more will come. Raises NotHttp for an answer that is cut off."""
        if not self.done:
            if not self.status:
                raise NotHttp("it closed the connection without an answer")
            if self._chunked or self._left is not None:
                raise NotHttp("its answer was cut off")
            self.done = True

    def _read_head(self) -> bool:
        """Read the status line and the headers; tell if there may be another head to read."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > HEAD_BYTES_MAX:
                raise NotHttp("its answer has too long a head")
            return False
        first, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        status = _status(first)
        if status < 200:  # there is more to come
            return True
        self.status = status
        pairs = (line.partition(b":") for line in lines)
        self.headers = {
            name.decode("latin-1").strip().lower(): value.decode("latin-1").strip()
            for name, _, value in pairs
        }
        self._frame(status)
        return False

    def _frame(self, status: int) -> None:
        length = self.headers.get("content-length", "")
        self._chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        if status in (204, 304):
            self._chunked, self._left = False, 0
        elif self._chunked:
            self._left = 0
        elif length.isdecimal() and len(length) < 16:
            self._left = int(length)

    def _read_plain(self) -> None:
        if self._left is None:
            self._take(len(self._buffer))
        else:
            self._left -= self._take(self._left)
            self.done = self._left == 0

    def _read_chunks(self) -> None:
        """Read chunks: each a line with its length, that many bytes, and an empty line."""
        while True:
            if self._left:
                taken = self._take(self._left)
                self._left -= taken
                if self._left:
                    return
            line = self._line()
            if line is None:
                return
            if self._trailing:
                if not line:
                    self.done = True
                    return
            elif line:
                self._left = _length(line)
                self._trailing = self._left == 0

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > LINE_BYTES_MAX:
                raise NotHttp("its answer is badly chunked")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _take(self, most: int) -> int:
        """Move up to so many bytes from the buffer to the body; return how many they were."""
        taken = min(most, len(self._buffer))
        wanted = min(taken, self._keep - len(self._body))
        self._body += self._buffer[:wanted]
        del self._buffer[:taken]
        return taken


def _status(line: bytes) -> int:
    parts = line.split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():
        raise NotHttp("its answer is not HTTP")
    status = int(parts[1])
    if not 100 <= status <= 999:
        raise NotHttp("its answer is not HTTP")
    return status


def _length(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0].strip()[:15], 16)
    except ValueError:
        raise NotHttp("its answer is badly chunked") from None
