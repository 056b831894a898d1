"""Frames (a length in four bytes, then the bytes) over the pipes of a child that may hang or die."""

from __future__ import annotations

import os
import select
import struct
import time
from dataclasses import dataclass

LENGTH = struct.Struct(">I")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Channel:
    """
    The two pipe ends of a child, as file descriptors. `write_fd` is made non-blocking, so that a child
    that stops reading cannot hold us.
    """

    write_fd: int
    read_fd: int

    def __post_init__(self) -> None:
        os.set_blocking(self.write_fd, False)

    def ask(self, frames: tuple[bytes, ...], *, seconds: float) -> bytes:
        """
        Send the frames and return the frame that answers. Raises TimeoutError after `seconds` by the
        clock and EOFError when the child is gone.
        """
        deadline = time.monotonic() + seconds
        for frame in frames:
            self._write(LENGTH.pack(len(frame)), deadline)
            self._write(frame, deadline)
        (length,) = LENGTH.unpack(self._read(LENGTH.size, deadline))
        return self._read(length, deadline)

    def _write(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            _wait(self.write_fd, select.POLLOUT, deadline)
            try:
                view = view[os.write(self.write_fd, view) :]
            except BrokenPipeError:
                raise EOFError from None
            except BlockingIOError:
                continue  # poll promised room for a byte, not for a whole chunk

    def _read(self, size: int, deadline: float) -> bytes:
        chunks: list[bytes] = []
        while size:
            _wait(self.read_fd, select.POLLIN, deadline)
            chunk = os.read(self.read_fd, min(size, _CHUNK))
            if not chunk:
                raise EOFError
            chunks.append(chunk)
            size -= len(chunk)
        return b"".join(chunks)


def _wait(fd: int, event: int, deadline: float) -> None:
    poller = select.poll()
    poller.register(fd, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poller.poll(left * 1000):
        raise TimeoutError
