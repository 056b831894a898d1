"""Ports of this machine, where other tests run too: one that a program may take, and one that is closed."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager

# Below the ports that systems hand out by themselves, to whoever asks for any and to every connection that is
# opened: none of those can take the port before the program has it.
FIRST, BEHIND = 20_000, 32_000


def find_port() -> int:
    """For a program that cannot take a free one by itself."""
    while True:
        port = FIRST + secrets.randbelow(BEHIND - FIRST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def closed_port() -> Iterator[str]:
    """`host:port` where nobody listens, nor can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"
