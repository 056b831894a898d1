"""
Run as a script: ask the kernel to end this process with its parent, then become the program named.

    python -I -S tied_process.py PARENT_PID SIGNAL PROGRAM ARGUMENT…

A script of its own and not a `preexec_fn`, because Python code between fork and exec can
deadlock when the parent has threads (https://docs.python.org/3/library/subprocess.html#subprocess.Popen).
"""

from __future__ import annotations

import ctypes
import os
import sys

# prctl(2): the signal this process gets when the thread that started it ends. Kept across exec.
PR_SET_PDEATHSIG = 1


def main(parent_pid: int, death_signal: int, argv: list[str]) -> None:
    """Never returns. Ends with 1 when the parent is already gone, with 127 when the program is."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent_pid:
        os._exit(1)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - starting a program without a shell is its purpose
    except OSError:
        os._exit(127)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
