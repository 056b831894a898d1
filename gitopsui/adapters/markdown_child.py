"""
The child that renders foreign Markdown, so that a text can at worst kill this process and not a worker.

It is run as a script with an empty environment. A request is a frame of UTF-8 text, the answer a frame of
HTML that begins with `+`, or `-` alone where the text could not be rendered. It ends with its input.
"""

from __future__ import annotations

import resource
import struct
import sys
from pathlib import Path
from typing import BinaryIO

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gitopsui.adapters.markdown_html import to_html

MEMORY_BYTES = 512 << 20
CPU_SECONDS = 30  # of the whole life; each text has a deadline by the clock
MOST_HTML = 1_000_000  # characters
_LENGTH = struct.Struct(">I")


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while (data := _read_frame(requests)) is not None:
        answer = _answer(data.decode("utf-8", "replace"))
        answers.write(_LENGTH.pack(len(answer)))
        answers.write(answer)
        answers.flush()


def _answer(text: str) -> bytes:
    try:
        html = to_html(text)
    except Exception:  # noqa: BLE001 - a parser of foreign text may raise anything, RecursionError for one
        return b"-"
    return b"+" + html.encode("utf-8", "replace") if len(html) <= MOST_HTML else b"-"


def _read_frame(stream: BinaryIO) -> bytes | None:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else None


if __name__ == "__main__":
    main()
