"""
The child that reads foreign YAML, so that a file can at worst kill this process and not a worker.

It is run as a script with an empty environment. A request is a frame of JSON (`{"limits": {…}}`) and a
frame of the file's bytes; the answer is one frame of JSON, `{"documents": [[line, value], …]}` or
`{"error": [code, message, line]}`. A frame is its length in four bytes, big end first, then the bytes.
It ends when its input ends, when it was idle for a while, or when a file takes too much of it.
"""

from __future__ import annotations

import gc
import json
import resource
import select
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gitopsui.adapters.yaml_limits import Limits
from gitopsui.adapters.yaml_loader import load
from gitopsui.domain.errors import UnreadableFile

MEMORY_BYTES = 512 << 20
OPEN_FILES = 16
IDLE_SECONDS = 300
_LENGTH = struct.Struct(">I")


def main() -> None:
    _give_up_what_is_not_needed()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while _is_asked(requests):
        header = _read_frame(requests)
        data = _read_frame(requests)
        if header is None or data is None:
            return
        answer = json.dumps(_answer(data, Limits(**json.loads(header)["limits"]))).encode()
        answers.write(_LENGTH.pack(len(answer)))
        answers.write(answer)
        answers.flush()


def _answer(data: bytes, limits: Limits) -> dict[str, Any]:
    _renew_cpu_seconds(limits.cpu_seconds)
    try:
        return {"documents": [[document.line, document.value] for document in load(data, limits)]}
    except UnreadableFile as error:
        return {"error": [error.code, error.message, error.line]}
    except MemoryError:
        return {"error": ["YAML_SIZE", "The file needs more memory than its reader has.", 0]}


def _give_up_what_is_not_needed() -> None:
    """No core and no written files, few open ones; values are built without cycles, so no collector."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    gc.disable()


def _renew_cpu_seconds(seconds: int) -> None:
    """Let the kernel end this process (SIGXCPU) when it works longer than `seconds` on one request."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def _is_asked(requests: BinaryIO) -> bool:
    """False when nothing was asked for a while. Requests are read to their end, so no buffer hides one."""
    ready, _, _ = select.select([requests], [], [], IDLE_SECONDS)
    return bool(ready)


def _read_frame(stream: BinaryIO) -> bytes | None:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else None


if __name__ == "__main__":
    main()
