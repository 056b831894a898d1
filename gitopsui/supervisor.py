"""
Web and workers by one command: starts each part in a process group of its own, restarts what ends, and
replaces workers that live but do nothing.

A signal to end goes to the leader of each part only: sent to a whole group it takes the sentinel of the
workers with it, and their leader then never ends. What lives on after the grace period is killed, with its
group.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType

from gitopsui.adapters.process import Child, ProgramNotFound, start

LOOK_EVERY_SECONDS = 0.2
FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=30)
# A part that ran this long was well: its next end is the first again.
WELL_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Part:
    """
    One program to keep running. Where `find_age` tells how long it has shown no life, it is replaced when
    that is too long; its None says that nobody knows.
    """

    name: str
    argv: tuple[str, ...]
    find_age: Callable[[], timedelta | None] | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what may take. `grace` covers the task a worker ends before it goes."""

    grace: timedelta = timedelta(seconds=30)
    stall: timedelta = timedelta(seconds=120)
    first_pause: timedelta = FIRST_PAUSE


@dataclass(slots=True)
class _Running:
    part: Part
    child: Child | None = None
    started: float = 0.0
    ends_in_a_row: int = 0
    next_start: float = 0.0


class Supervisor:
    """The parts, started in their order."""

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        env: Mapping[str, str],
        cwd: Path,
        patience: Patience | None = None,
        say: Callable[[str], None] = lambda line: print(line, flush=True),
    ) -> None:
        self._running = [_Running(part) for part in parts]
        self._env = dict(env)
        self._cwd = cwd
        self._patience = patience or Patience()
        self._say = say
        self._is_ending = False

    def run(self) -> int:
        """
        Keep the parts running until SIGTERM, SIGINT or SIGHUP; 0 when all ended within the grace period.

        To be called in the main thread: the kernel ends the parts with the thread that started them.
        """
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            while not self._is_ending:
                self.look()
                time.sleep(LOOK_EVERY_SECONDS)
            return self.end()
        finally:
            for running in self._running:
                if running.child is not None:
                    running.child.kill_group()
            for number, handler in before.items():
                signal.signal(number, handler)

    def look(self) -> None:
        """One round: start what should run, bury what ended, replace what has stalled."""
        for running in self._running:
            if self._is_ending:
                return
            if running.child is None:
                if time.monotonic() >= running.next_start:
                    self._start(running)
            elif (code := running.child.poll()) is not None:
                self._bury(running, f"ended with {code}")
            elif running.part.find_age is not None:
                self._watch(running, running.part.find_age)

    def end(self) -> int:
        """Ask every part to end, wait, kill what is left. 0 when nothing had to be killed."""
        living = [running for running in self._running if running.child is not None]
        for running in living:
            if running.child is not None:
                running.child.terminate_leader()
        deadline = time.monotonic() + self._patience.grace.total_seconds()
        killed = 0
        for running in living:
            assert running.child is not None
            left = timedelta(seconds=max(0.0, deadline - time.monotonic()))
            if running.child.wait(left) is None:
                self._say(f"{running.part.name}: did not end in time and is killed")
                killed += 1
            running.child.kill_group()
            running.child = None
        self._say("ended")
        return 1 if killed else 0

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._is_ending = True

    def _start(self, running: _Running) -> None:
        name = running.part.name
        try:
            running.child = start(
                # The end of this process must not leave workers behind, nor take their sentinel from them.
                running.part.argv,
                env=self._env,
                cwd=self._cwd,
                death_signal=signal.SIGTERM,
            )
        except (ProgramNotFound, OSError) as error:
            self._say(f"{name}: cannot be started: {error}")
            self._plan_next(running)
            return
        running.started = time.monotonic()
        self._say(f"{name}: started as process {running.child.pid}")

    def _bury(self, running: _Running, reason: str) -> None:
        """Kill what is left of the group, so that no orphan keeps working beside the next one."""
        assert running.child is not None
        running.child.kill_group()
        running.child = None
        if time.monotonic() - running.started >= WELL_AFTER.total_seconds():
            running.ends_in_a_row = 0
        pause = self._plan_next(running)
        self._say(f"{running.part.name}: {reason}, starts again in {pause.total_seconds():g} s")

    def _plan_next(self, running: _Running) -> timedelta:
        doublings = min(running.ends_in_a_row, 10)
        pause: timedelta = min(self._patience.first_pause * 2**doublings, LONGEST_PAUSE)
        running.ends_in_a_row += 1
        running.next_start = time.monotonic() + pause.total_seconds()
        return pause

    def _watch(self, running: _Running, find_age: Callable[[], timedelta | None]) -> None:
        """A stalled part was given time since its start, and has shown no life for longer than that."""
        stall = self._patience.stall
        if time.monotonic() - running.started < stall.total_seconds():
            return
        age = find_age()
        if age is not None and age > stall:
            self._bury(running, f"showed no life for more than {stall.total_seconds():g} s and was killed")
