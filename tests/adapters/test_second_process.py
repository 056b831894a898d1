"""A part of a text is made by a copy of a program, and none of it is lost when the copy comes to grief."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from gitopsui.adapters.second_process import beside
maker = os.getpid()

def work():
    yield "made here  " if os.getpid() == maker else "made beside"
    GRIEF
    yield " \\u00e9\\ud800" * 100_000

with beside(work) as told:
    text = "".join(told)
print(text[:11], len(text))
"""


@pytest.mark.parametrize(
    ("grief", "printed"),
    [
        ("", "made beside"),
        ("if os.getpid() != maker: os.kill(os.getpid(), 9)", "made here"),
        ("if os.getpid() != maker: raise ValueError", "made here"),
    ],
)
def test_what_a_copy_makes_is_read_or_made_here(grief: str, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("GRIEF", grief)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == printed.split()
    assert int(done.stdout.split()[2]) > 300_000
    assert bool(done.stderr) == (printed == "made here")


def test_a_copy_nobody_reads_from_leaves_no_process_behind() -> None:
    program = """
import os
from gitopsui.adapters.second_process import beside
with beside(lambda: ["x"]):
    pass
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("none left")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "none left\n"


def test_a_program_with_threads_makes_no_copy() -> None:
    program = """
import os, threading
from gitopsui.adapters.second_process import beside
threading.Thread(target=threading.Event().wait, daemon=True).start()
with beside(lambda: [str(os.getpid())]) as told:
    print("".join(told) == str(os.getpid()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "True\n"
