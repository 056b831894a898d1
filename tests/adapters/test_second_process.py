"""Two processes share what is to be made, and nothing is lost when the copy comes to grief."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys, time
from gitopsui.adapters.second_process import make_by_two
maker = os.getpid()

def make(number):
    is_copy = os.getpid() != maker
    GRIEF
    time.sleep(0.4 / COUNT)
    return f"{number} {'beside' if is_copy else 'here'} \\u00e9\\ud800 " + "x" * 9_000

texts = list(make_by_two(range(COUNT), make))
assert [int(text.split()[0]) for text in texts] == list(range(COUNT)), texts
assert all(len(text) > 9_000 and "\\ud800" in text for text in texts)
print(sum("beside" in text for text in texts))
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("none left")
"""


def run(grief: str = "", count: int = 200) -> int:
    """How many of the texts came from the copy."""
    program = PROGRAM.replace("GRIEF", grief).replace("COUNT", str(count))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made, _, rest = done.stdout.partition("\n")
    assert rest == "none left\n"
    return int(made)


# Whoever makes the first of its own waits until the other one has begun, too.
MEET = """
    mine, other = ("beside", "here") if is_copy else ("here", "beside")
    open(f"FOLDER/{mine}", "w").close()
    while not os.path.exists(f"FOLDER/{other}"): time.sleep(0.01)
"""


def test_two_processes_make_some_each(tmp_path: Path) -> None:
    assert 0 < run(MEET.strip().replace("FOLDER", str(tmp_path))) < 200


@pytest.mark.parametrize("grief", ["os.kill(os.getpid(), 9)", "raise ValueError", "os._exit(3)"])
@pytest.mark.parametrize("when", ["is_copy", "is_copy and number < 190"])
def test_what_a_copy_leaves_undone_is_made_here(grief: str, when: str) -> None:
    assert run(f"if {when}: {grief}") < 200


def test_there_may_be_more_items_than_portions(tmp_path: Path) -> None:
    assert 0 < run(MEET.strip().replace("FOLDER", str(tmp_path)), count=5_000) < 5_000


def test_one_text_is_made_here() -> None:
    assert run(count=1) == 0


def test_a_program_with_threads_makes_no_copy() -> None:
    waiting = "threading.Thread(target=threading.Event().wait, daemon=True).start()"

    program = f"""
import os, threading
from gitopsui.adapters.second_process import make_by_two
{waiting}
print(set(make_by_two(range(9), lambda number: str(os.getpid()))) == {{str(os.getpid())}})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_what_fails_here_is_raised_and_leaves_no_process_behind() -> None:
    program = """
import os
from gitopsui.adapters.second_process import make_by_two
try:
    list(make_by_two(range(99), lambda number: 1 / 0))
except ZeroDivisionError:
    print("raised")
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("none left")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["raised", "none left", ""]
