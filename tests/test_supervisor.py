"""The supervisor with small programs that end, hang and leave children behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gitopsui.instance import MARK, AlreadyRunningError, is_running, kill_marked, only_instance
from gitopsui.supervisor import Part, Patience, Supervisor
from tests.waiting import is_alive, wait_for, wait_until_dead

QUICK = Patience(grace=timedelta(minutes=1), stall=timedelta(seconds=0.5), first_pause=timedelta(seconds=0.1))
HASTY = replace(QUICK, grace=timedelta(seconds=0.5))
STAY = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def script(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", code)


def supervise(
    *parts: Part,
    said: list[str],
    patience: Patience = QUICK,
    env: dict[str, str] | None = None,
) -> Supervisor:
    return Supervisor(
        parts,
        env={"PATH": os.environ["PATH"], **(env or {})},
        cwd=Path(__file__).parent,
        patience=patience,
        say=said.append,
    )


def look_until(supervisor: Supervisor, is_reached: Callable[[], bool]) -> None:
    def look() -> bool:
        if not is_reached():
            supervisor.look()
        return is_reached()

    wait_for(look, "what the supervisor is to do")


def pids(said: list[str]) -> list[int]:
    return [int(line.rsplit(" ", 1)[1]) for line in said if "started as process" in line]


def is_deaf(pid: int) -> bool:
    """Whether it ignores SIGTERM by now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    ignored = next(line for line in lines if line.startswith("SigIgn:"))
    return bool(int(ignored.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def test_what_ends_is_started_again_later_each_time() -> None:
    said: list[str] = []
    supervisor = supervise(Part("short", script("raise SystemExit(3)")), said=said)

    look_until(supervisor, lambda: len(pids(said)) == 3)

    assert [line for line in said if "ended with" in line] == [
        "short: ended with 3, starts again in 0.1 s",
        "short: ended with 3, starts again in 0.2 s",
    ]
    supervisor.end()


def test_one_part_that_ends_does_not_touch_the_others() -> None:
    said: list[str] = []
    supervisor = supervise(Part("short", script("")), Part("long", script(STAY)), said=said)

    look_until(supervisor, lambda: sum("short: started" in line for line in said) == 3)

    assert sum("long: started" in line for line in said) == 1
    assert supervisor.end() == 0


def test_a_program_that_is_not_there_is_said_and_tried_again() -> None:
    said: list[str] = []
    supervisor = supervise(Part("missing", ("no-such-program",)), said=said)

    look_until(supervisor, lambda: len(said) == 2)

    assert said == ["missing: cannot be started: The program no-such-program is not installed."] * 2


def test_what_a_dead_leader_left_behind_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "child"
    code = (
        f"import os, time; p = os.fork()\nif p: open({str(note)!r}, 'w').write(str(p))\nelse: time.sleep(600)"
    )
    said: list[str] = []
    supervisor = supervise(Part("parent", script(code)), said=said)

    look_until(supervisor, lambda: any("ended with 0" in line for line in said))

    wait_until_dead(int(note.read_text()))
    supervisor.end()


def test_a_part_without_signs_of_life_is_killed_with_its_group_and_replaced() -> None:
    said: list[str] = []
    ages = [timedelta(seconds=60)]
    supervisor = supervise(
        Part("well", script(STAY), lambda: timedelta()),
        Part("silent", script(DEAF), lambda: ages[0]),
        said=said,
        patience=HASTY,
    )
    look_until(supervisor, lambda: len(pids(said)) == 3)

    well, first, second = pids(said)
    ages[0] = timedelta()

    assert is_alive(well), "each is watched by its own sign"
    assert not is_alive(first)
    assert is_alive(second)
    assert any(line.startswith("silent: showed no life for more than 0.5 s") for line in said)
    supervisor.end()


def test_nobody_is_killed_while_it_is_unknown_whether_it_lives() -> None:
    said: list[str] = []
    supervisor = supervise(Part("workers", script(STAY), lambda: None), said=said)
    started = time.monotonic()

    look_until(supervisor, lambda: time.monotonic() - started > 1)

    assert len(said) == 1
    supervisor.end()


def test_a_part_that_is_deaf_to_the_end_is_killed_after_the_grace_period() -> None:
    said: list[str] = []
    supervisor = supervise(Part("deaf", script(DEAF)), said=said, patience=HASTY)
    supervisor.look()
    wait_for(lambda: is_deaf(pids(said)[0]), "its deafness")

    assert supervisor.end() == 1
    assert not is_alive(pids(said)[0])
    assert said[-2:] == ["deaf: did not end in time and is killed", "ended"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_parts_and_restores_the_handlers(number: signal.Signals) -> None:
    said: list[str] = []
    before = signal.getsignal(number)
    supervisor = supervise(Part("one", script(STAY)), Part("two", script(STAY)), said=said)

    def send() -> None:
        wait_for(lambda: len(pids(said)) == 2, "the start of both")
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()

    assert supervisor.run() == 0

    sender.join()
    assert len(pids(said)) == 2
    assert not any(is_alive(pid) for pid in pids(said))
    assert signal.getsignal(number) is before


def test_a_second_instance_is_told_of_the_first(tmp_path: Path) -> None:
    assert not is_running(tmp_path)
    with only_instance(tmp_path, note="http://127.0.0.1:8000"):
        assert is_running(tmp_path)
        with (
            pytest.raises(AlreadyRunningError, match=r"http://127\.0\.0\.1:8000"),
            only_instance(tmp_path, note="other"),
        ):
            pytest.fail("two instances hold one folder")

    assert not is_running(tmp_path)
    with only_instance(tmp_path, note="again"):
        pass


def test_what_a_killed_instance_left_running_is_killed_by_the_next(tmp_path: Path) -> None:
    said: list[str] = []
    mark = "0" * 31 + "a"
    supervisor = supervise(Part("orphan", script(STAY)), said=said, env={MARK: mark})
    supervisor.look()
    (tmp_path / "running").write_text(f"{mark}\nnote\n")
    orphan = pids(said)[0]
    # What has just been started has no environment yet.
    wait_for(lambda: mark.encode() in Path(f"/proc/{orphan}/environ").read_bytes(), "the orphan has its mark")

    with only_instance(tmp_path, note="next"):
        wait_until_dead(orphan)

    assert kill_marked(mark) == 0
    supervisor.end()
