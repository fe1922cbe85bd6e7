"""The program: its configuration, signals, and turns of its loop until all is done."""

from __future__ import annotations

import json
import signal
import socket
import sys
from pathlib import Path

from jackbean.core.daemon import DaemonConfig
from jackbean.core.protocol import Worker, from_json
from jackbean.sqsd.daemon import Daemon
from jackbean.sqsd.exchange import READ
from jackbean.sqsd.journal import Journal
from jackbean.sqsd.loop import Loop

STDOUT = 1


def main(argv: list[str]) -> int:
    """Run the daemon whose configuration is in the file that is the only argument."""
    if len(argv) != 1:
        sys.stderr.write("usage: sqsd CONFIG.json\n")
        return 2
    try:
        config = from_json(DaemonConfig, json.loads(Path(argv[0]).read_text()))
        worker = from_json(Worker, config.worker)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"sqsd: {argv[0]}: {error}\n")
        return 2
    loop = Loop()
    daemon = Daemon(loop, config, worker, Journal(STDOUT, config.state))
    _heed_signals(loop, daemon)
    daemon.begin()
    while not daemon.over:
        loop.turn()
        daemon.note()
    return 0


def _heed_signals(loop: Loop, daemon: Daemon) -> None:
    """End on SIGTERM and SIGINT; a socket that the kernel writes to wakes the loop for it."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    signal.set_wakeup_fd(ends[1].fileno(), warn_on_full_buffer=False)
    loop.watch(ends[0], READ, lambda: _heed(ends, daemon))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def _heed(ends: tuple[socket.socket, socket.socket], daemon: Daemon) -> None:
    """Both ends have to stay open for as long as signals may come."""
    ends[0].recv(64)
    daemon.stop()
