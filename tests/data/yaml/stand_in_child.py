"""A child that speaks the real protocol and misbehaves where a text asks for it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from gitopsui.adapters import yaml_child
from gitopsui.adapters.yaml_limits import Document, Limits
from gitopsui.adapters.yaml_loader import load


def misbehave(data: bytes, limits: Limits) -> list[Document]:
    if data == b"work for ever":
        while True:
            pass
    if data == b"sleep":
        time.sleep(600)
    if data == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if data.startswith(b"crash once: "):
        marker = Path(data.removeprefix(b"crash once: ").decode())
        if marker.exists():
            marker.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
    if data == b"eat memory":
        return [Document(1, [b"x" * (1 << 30)])]
    if data == b"who":
        return [Document(1, os.getpid())]
    return load(data, limits)


vars(yaml_child)["load"] = misbehave
yaml_child.main()
