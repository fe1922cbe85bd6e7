"""HTTP as uvicorn speaks it with httptools, and a bound on what comes before a request's body.

httptools reads in C and waits for the end of a header however long that is; whoever sends one that
has no end must not be able to fill the memory.
"""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX = 128 << 10  # of one request: its first line and its headers
TOO_LARGE = f"The head of the request is larger than {HEAD_BYTES_MAX} bytes."


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _head_bytes = 0  # of the request that is being read, as far as it has come
    _in_body = False

    def data_received(self, data: bytes) -> None:
        if not self._in_body:
            self._head_bytes += len(data)
        super().data_received(data)
        over = not self._in_body and self._head_bytes > HEAD_BYTES_MAX
        if over and not self.transport.is_closing():
            self.send_400_response(TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body, self._head_bytes = False, 0
        super().on_message_complete()
