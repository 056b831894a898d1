"""
Start programs and end them. Only this module imports `subprocess`.

Every program gets a list of arguments, a fixed environment (nothing is inherited), a process
group of its own, and an end: `run` never returns or raises while a member of the group lives.
No thread is started and no Python code runs between fork and exec, so any number of threads may
call `run` at once. Limits are therefore set from outside by `prlimit(2)` once the program has
started: a `preexec_fn` would be simpler and may deadlock in a program with threads.
"""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self, TypedDict, Unpack

from gitopsui.domain.errors import SourceError

CHUNK_BYTES = 1 << 16
STDERR_KEPT_BYTES = 1 << 16
TICK_SECONDS = 0.25
# A program that writes a lot does so a page at a time; to be woken for each would cost more than to read it.
PAGE_BYTES = 1 << 12
PAUSE_SECONDS = 0.001
# How long a program may clean up (git removes its lock files) between SIGTERM and SIGKILL.
GRACE_SECONDS = 0.5


class ProgramNotFound(SourceError):
    """The program is not installed, or not on the PATH it was given."""

    def __init__(self, program: str) -> None:
        super().__init__(f"The program {program} is not installed.", code="PROGRAM_NOT_FOUND", permanent=True)
        self.program = program


class ProcessTimeout(SourceError):
    """The program was still running at its deadline and was ended."""

    def __init__(self, program: str, timeout: timedelta) -> None:
        seconds = timeout.total_seconds()
        super().__init__(f"{program} was ended after {seconds:g} seconds.", code="PROCESS_TIMEOUT")
        self.timeout = timeout


class OutputTooLarge(SourceError):
    """The program wrote more than it may and was ended."""

    def __init__(self, program: str, max_output: int) -> None:
        super().__init__(f"{program} wrote more than {max_output} bytes.", code="OUTPUT_TOO_LARGE")
        self.max_output = max_output


# No dataclass: what those load takes longer than to start Git.
class Result(NamedTuple):
    """
    How a program ended. `returncode` is negative for a signal (-9 is SIGKILL).

    Of `stderr` only the last 64 KiB are kept.
    """

    returncode: int
    stdout: bytes
    stderr: bytes


class Stream(Enum):
    """Where a long-lived child reads or writes."""

    NULL = subprocess.DEVNULL  # nothing to read, nothing kept
    PIPE = subprocess.PIPE  # `Child.stdin`, `.stdout` or `.stderr`
    INHERIT = None  # the same place as ours
    STDOUT = subprocess.STDOUT  # stderr only: together with stdout


class Options(TypedDict, total=False):
    """What may be said about any program, and what it is when nothing is said."""

    cwd: Path | None  # where it starts; where we are
    memory_bytes: int | None  # of address space; as much as we may have
    cpu_seconds: int | None  # of processor time before SIGXCPU; no limit
    is_tied: bool  # the kernel ends it with the thread that started it, however that ends; see the function


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout: timedelta,
    max_output: int,
    stdin: bytes = b"",
    on_stderr: Callable[[bytes], None] | None = None,
    on_tick: Callable[[], None] | None = None,
    **options: Unpack[Options],
) -> Result:
    """
    Run a program to its end, fed with `stdin`. Raises ProgramNotFound, ProcessTimeout, OutputTooLarge.

    `on_stderr` gets each piece of stderr as it comes, `on_tick` is called about four times a second; when one
    of them raises, the program is ended and the exception goes on. One that is ended early gets SIGTERM and
    half a second before SIGKILL; children it leaves in its group are killed as it ends. It is tied to the
    calling thread only on demand (10 ms more): for programs that run long and write.
    """
    options.setdefault("is_tied", False)
    pipe, feed = Stream.PIPE, Stream.PIPE if stdin else Stream.NULL
    with start(argv, env=env, stdin=feed, stdout=pipe, stderr=pipe, **options) as child:
        exchange = _Exchange(child, stdin, timeout, max_output)
        exchange.pump(on_stderr=on_stderr, on_tick=on_tick)
        returncode = child.wait(exchange.time_left())
    if returncode is None:
        raise ProcessTimeout(child.name, timeout)
    return Result(returncode, bytes(exchange.stdout), bytes(exchange.stderr))


def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    stdin: Stream = Stream.NULL,
    stdout: Stream = Stream.INHERIT,
    stderr: Stream = Stream.INHERIT,
    death_signal: int = signal.SIGKILL,
    **options: Unpack[Options],
) -> Child:
    """
    Start a program that lives on beside us, as the leader of a process group. Raises ProgramNotFound.

    The caller owes it an end: `with start(…)`, or `kill_group()`. It is tied to the calling thread unless
    told otherwise, so call from one that lives long enough; the `death_signal` reaches the leader only, so a
    program with children needs one it can handle.
    """
    tie = _tied_to_us(death_signal) if options.get("is_tied", True) else []
    command = [*tie, _find(argv[0], env), *argv[1:]]
    child = Child(_spawn(command, env, options.get("cwd"), (stdin, stdout, stderr)), Path(argv[0]).name)
    try:
        _limit(child.pid, options.get("memory_bytes"), options.get("cpu_seconds"))
    except BaseException:
        child.kill_group()
        raise
    return child


class Child:
    """
    A running program and its process group.

    The leader is left unreaped until `kill_group()`, because only so its number, which is the
    number of the group too, cannot meanwhile be given to a stranger. Hence: call it in the end.
    """

    def __init__(self, popen: subprocess.Popen[bytes], name: str) -> None:
        self._popen = popen
        self.name = name
        self.pid = popen.pid

    @property
    def stdin(self) -> IO[bytes] | None:
        """Unbuffered; None unless started with a pipe."""
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes] | None:
        """Unbuffered; None unless started with a pipe."""
        return self._popen.stdout

    @property
    def stderr(self) -> IO[bytes] | None:
        """Unbuffered; None unless started with a pipe."""
        return self._popen.stderr

    def poll(self) -> int | None:
        """The return code of the leader, or None while it runs. Leaves the group alone."""
        if self._popen.returncode is not None:
            return self._popen.returncode
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def wait(self, timeout: timedelta | None = None) -> int | None:
        """As `poll`, but waits for the end of the leader, at most `timeout`."""
        deadline = None if timeout is None else time.monotonic() + timeout.total_seconds()
        delay = 0.0005
        while (returncode := self.poll()) is None:
            if deadline is not None and time.monotonic() >= deadline:
                return None
            time.sleep(delay)
            delay = min(delay * 2, 0.05)
        return returncode

    def terminate_leader(self) -> None:
        """Ask the leader, and only the leader, to end (SIGTERM)."""
        if self._popen.returncode is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill_group(self) -> int:
        """Kill whatever lives in the group, reap the leader, close the pipes. May be called again."""
        if self._popen.returncode is None:
            self._signal_group(signal.SIGKILL)
        returncode = self._popen.wait()
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return returncode

    def _signal_group(self, number: int) -> None:
        # A group that has only its unreaped leader left may answer "no such process".
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the group; a leader that still runs may clean up first."""
        try:
            if self.poll() is None:
                self._signal_group(signal.SIGTERM)
                self.wait(timedelta(seconds=GRACE_SECONDS))
        finally:
            self.kill_group()


class _Exchange:
    """Feeds one program and reads both its outputs, in the calling thread, until it has nothing to say."""

    def __init__(self, child: Child, stdin: bytes, timeout: timedelta, max_output: int) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._child = child
        self._unsent = memoryview(stdin)
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout.total_seconds()
        self._max_output = max_output
        self._ended_at: float | None = None

    def time_left(self) -> timedelta:
        return timedelta(seconds=max(0.0, self._deadline - time.monotonic()))

    def pump(self, *, on_stderr: Callable[[bytes], None] | None, on_tick: Callable[[], None] | None) -> None:
        next_tick = time.monotonic() + TICK_SECONDS
        with selectors.DefaultSelector() as selector:
            self._register(selector)
            while selector.get_map() and not self._is_abandoned():
                read = len(self.stdout)
                for piece in self._turn(selector):
                    if on_stderr is not None:
                        on_stderr(piece)
                if PAGE_BYTES <= len(self.stdout) - read < CHUNK_BYTES:
                    time.sleep(PAUSE_SECONDS)
                if time.monotonic() >= self._deadline:
                    raise ProcessTimeout(self._child.name, self._timeout)
                if on_tick is not None and time.monotonic() >= next_tick:
                    on_tick()
                    next_tick = time.monotonic() + TICK_SECONDS

    def _is_abandoned(self) -> bool:
        """
        Whether the program ended a moment ago, so that what it wrote has been read, and the pipes are open
        only because a child it left behind holds them.
        """
        if self._ended_at is None and self._child.poll() is not None:
            self._ended_at = time.monotonic()
        return self._ended_at is not None and time.monotonic() - self._ended_at > TICK_SECONDS

    def _register(self, selector: selectors.BaseSelector) -> None:
        if self._child.stdin is not None:
            selector.register(self._child.stdin, selectors.EVENT_WRITE, self._write)
        selector.register(_present(self._child.stdout), selectors.EVENT_READ, self._read_stdout)
        selector.register(_present(self._child.stderr), selectors.EVENT_READ, self._read_stderr)
        for key in list(selector.get_map().values()):
            os.set_blocking(key.fd, False)

    def _turn(self, selector: selectors.BaseSelector) -> Iterator[bytes]:
        """Wait for the pipes once; yields the new pieces of stderr. Closes the pipes that are done."""
        events = selector.select(min(TICK_SECONDS, self.time_left().total_seconds()))
        for key, _ in events:
            piece = key.data(key.fd)
            if piece is None:
                selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]  # we registered files, never numbers
            elif key.data == self._read_stderr:
                yield piece

    def _write(self, fd: int) -> bytes | None:
        """Feed some; None when all is sent or nobody reads."""
        try:
            self._unsent = self._unsent[os.write(fd, self._unsent[:CHUNK_BYTES]) :]
        except BlockingIOError:
            return b""
        except BrokenPipeError:
            return None
        return b"" if self._unsent else None

    def _read_stdout(self, fd: int) -> bytes | None:
        piece = self._read(fd)
        self.stdout += piece or b""
        if len(self.stdout) > self._max_output:
            raise OutputTooLarge(self._child.name, self._max_output)
        return piece

    def _read_stderr(self, fd: int) -> bytes | None:
        piece = self._read(fd)
        self.stderr += piece or b""
        del self.stderr[:-STDERR_KEPT_BYTES]
        return piece

    def _read(self, fd: int) -> bytes | None:
        """What lies in the pipe; None at its end."""
        try:
            return os.read(fd, CHUNK_BYTES) or None
        except BlockingIOError:
            return b""


def _present(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "the program was started with a pipe here"
    return pipe


def _tied_to_us(death_signal: int) -> list[str]:
    script = Path(__file__).with_name("tied_process.py")
    return [sys.executable, "-I", "-S", str(script), str(os.getpid()), str(int(death_signal))]


def _find(program: str, env: Mapping[str, str]) -> str:
    found = shutil.which(program, path=env.get("PATH", os.defpath))
    if found is None:
        raise ProgramNotFound(Path(program).name)
    return found


def _spawn(
    command: Sequence[str], env: Mapping[str, str], cwd: Path | None, streams: tuple[Stream, Stream, Stream]
) -> subprocess.Popen[bytes]:
    stdin, stdout, stderr = (stream.value for stream in streams)
    return subprocess.Popen(
        command,
        env=dict(env),
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        bufsize=0,
        start_new_session=True,
    )


def _limit(pid: int, memory_bytes: int | None, cpu_seconds: int | None) -> None:
    """Lower the limits of a running process. Where the system has no `prlimit` (macOS) it runs without."""
    prlimit: Any = getattr(resource, "prlimit", None)
    if prlimit is None:
        return
    limits = {resource.RLIMIT_CORE: (0, 0)}  # a core file could hold a credential
    if memory_bytes is not None:
        limits[resource.RLIMIT_AS] = (memory_bytes, memory_bytes)
    if cpu_seconds is not None:
        limits[resource.RLIMIT_CPU] = (cpu_seconds, cpu_seconds + 1)
    # It may have ended already.
    with contextlib.suppress(ProcessLookupError):
        for kind, (soft, hard) in limits.items():
            _, most = prlimit(pid, kind)
            if most != resource.RLIM_INFINITY:
                soft, hard = min(soft, most), min(hard, most)
            prlimit(pid, kind, (soft, hard))
