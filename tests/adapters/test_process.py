"""Programs are started with what they were given and nothing else, and are always ended."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from gitopsui.adapters import process
from gitopsui.adapters.process import (
    Child,
    OutputTooLarge,
    ProcessTimeout,
    ProgramNotFound,
    Result,
    Stream,
    run,
    start,
)
from tests.waiting import is_alive, wait_for, wait_until_dead

ENV = {"PATH": os.environ.get("PATH", os.defpath)}
SECOND = timedelta(seconds=1)
PLENTY = timedelta(minutes=2)


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


def run_python(code: str, *arguments: str, timeout: timedelta = PLENTY, max_output: int = 1 << 20) -> Result:
    return run(python(code, *arguments), env=ENV, timeout=timeout, max_output=max_output)


def end_when_it_speaks(code: str, *arguments: str) -> bytes:
    """What the program said on stderr; `run` ends it as soon as it did, as it ends one that is late."""
    said: list[bytes] = []

    def listen(piece: bytes) -> None:
        said.append(piece)
        raise LookupError("stop")

    with pytest.raises(LookupError, match="stop"):
        run(python(code, *arguments), env=ENV, timeout=PLENTY, max_output=1, on_stderr=listen)
    return b"".join(said)


# Who waited for the end of what sleeps so long would not come to the end of the test.
LEAVES_CHILD = """
import os, sys, time
pid = os.fork()
if pid == 0:
    time.sleep(600)
print(pid, flush=True)
"""
SAYS_ITS_NUMBER = (
    "import os, sys, time; sys.stderr.write(str(os.getpid())); sys.stderr.flush(); time.sleep(600)"
)


class TestRun:
    def test_gives_back_what_the_program_wrote_and_its_status(self) -> None:
        result = run_python("import sys; print('out'); sys.stderr.write('err'); sys.exit(3)")
        assert result == Result(3, b"out\n", b"err")

    def test_feeds_and_reads_more_than_a_pipe_holds(self) -> None:
        sent = os.urandom(3 << 20)
        code = "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"
        result = run(python(code), env=ENV, stdin=sent, timeout=PLENTY, max_output=4 << 20)
        assert result.stdout == sent

    def test_ends_well_when_the_program_does_not_read_its_input(self) -> None:
        result = run(["true"], env=ENV, stdin=b"x" * (1 << 20), timeout=PLENTY, max_output=10)
        assert result.returncode == 0

    def test_hands_on_nothing_of_our_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GITOPSUI_SECRET_KEY", "hidden")
        result = run(["env"], env={**ENV, "NAME": "value"}, timeout=PLENTY, max_output=10_000)
        names = {line.partition(b"=")[0] for line in result.stdout.splitlines()}
        assert names == {b"PATH", b"NAME"}

    def test_gives_arguments_to_the_program_as_they_are(self) -> None:
        hostile = "$(id); `id` && touch /tmp/gitopsui-pwned 'x' \"y\" *"
        result = run_python("import sys; sys.stdout.write(sys.argv[1])", hostile)
        assert result.stdout.decode() == hostile

    def test_runs_in_the_folder_it_is_given(self, tmp_path: Path) -> None:
        result = run(["pwd"], env=ENV, cwd=tmp_path, timeout=PLENTY, max_output=1000)
        assert result.stdout.decode().strip() == str(tmp_path)

    def test_a_signal_is_a_negative_status(self) -> None:
        assert run_python("import os; os.kill(os.getpid(), 9)").returncode == -9

    def test_a_program_that_is_not_there_is_named(self) -> None:
        with pytest.raises(ProgramNotFound, match="no-such-program is not installed") as caught:
            run(["no-such-program"], env=ENV, timeout=SECOND, max_output=1)
        assert caught.value.permanent

    def test_of_stderr_the_end_is_kept(self) -> None:
        result = run_python("import sys; sys.stderr.write('a' * 200_000 + 'end')")
        assert len(result.stderr) == 1 << 16
        assert result.stderr.endswith(b"aend")

    def test_limits_the_memory_of_a_program(self) -> None:
        code = (
            "import resource, time\n"
            "while resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY: time.sleep(0.01)\n"
            "try: bytearray(1 << 30)\n"
            "except MemoryError: print('none left')"
        )
        result = run(python(code), env=ENV, timeout=PLENTY, max_output=100, memory_bytes=300 << 20)
        assert result.stdout == b"none left\n"

    def test_limits_the_processor_time_of_a_program(self) -> None:
        code = "while True: pass"
        result = run(python(code), env=ENV, timeout=PLENTY, max_output=100, cpu_seconds=1)
        assert result.returncode == -signal.SIGXCPU

    def test_a_limit_over_the_one_in_force_leaves_that_in_force(self) -> None:
        code = (
            "import resource, sys\n"
            "from datetime import timedelta\n"
            "from gitopsui.adapters.process import run\n"
            "resource.setrlimit(resource.RLIMIT_CPU, (50, 50))\n"
            "result = run(['sh', '-c', 'sleep 0.2; ulimit -t'], env={'PATH': sys.argv[1]},\n"
            "    timeout=timedelta(9), max_output=99, cpu_seconds=90)\n"
            "sys.stdout.write(result.stdout.decode())\n"
        )
        env = {**ENV, "PYTHONPATH": str(Path(__file__).parents[2])}
        argv = [sys.executable, "-c", code, ENV["PATH"]]
        assert run(argv, env=env, timeout=PLENTY, max_output=99).stdout == b"50\n"

    def test_several_threads_may_run_programs_at_once(self) -> None:
        def ask(number: int) -> bool:
            code = f"import sys; sys.stdout.write(sys.stdin.read() * {number})"
            result = run(python(code), env=ENV, stdin=b"x" * 1000, timeout=PLENTY, max_output=1 << 20)
            return result.stdout == b"x" * 1000 * number

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(ask, range(1, 33)))

    def test_no_file_stays_open(self) -> None:
        run(["true"], env=ENV, timeout=PLENTY, max_output=1)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            run(["cat"], env=ENV, stdin=b"x", timeout=PLENTY, max_output=1)
            with pytest.raises(OutputTooLarge):
                run(["cat"], env=ENV, stdin=b"xx", timeout=PLENTY, max_output=1)
        # Fewer where something of an earlier test was let go meanwhile.
        assert len(os.listdir("/proc/self/fd")) <= before


class TestEnd:
    """Nothing of a program lives on when `run` is over."""

    def test_a_program_that_is_late_is_ended(self) -> None:
        with pytest.raises(ProcessTimeout, match=r"ended after 0\.3 seconds"):
            run_python("import time; time.sleep(600)", timeout=timedelta(seconds=0.3))

    def test_a_program_that_closed_its_outputs_is_ended_when_it_is_late(self) -> None:
        code = "import os, time; os.close(1); os.close(2); time.sleep(600)"
        with pytest.raises(ProcessTimeout):
            run_python(code, timeout=timedelta(seconds=0.5))

    def test_a_program_that_ignores_sigterm_is_killed(self) -> None:
        code = f"import signal; signal.signal(15, signal.SIG_IGN)\n{SAYS_ITS_NUMBER}"
        assert not is_alive(int(end_when_it_speaks(code)))

    def test_a_program_that_is_ended_may_clean_up(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(process, "GRACE_SECONDS", 60)
        code = (
            "import pathlib, signal, sys\n"
            "lock = pathlib.Path(sys.argv[1]); lock.touch()\n"
            "signal.signal(15, lambda *_: (lock.unlink(), sys.exit()))\n"
        )
        end_when_it_speaks(code + SAYS_ITS_NUMBER, str(tmp_path / "lock"))
        assert not (tmp_path / "lock").exists()

    def test_a_program_that_writes_too_much_is_ended(self) -> None:
        with pytest.raises(OutputTooLarge, match="more than 1000 bytes"):
            run(["yes"], env=ENV, timeout=PLENTY, max_output=1000)

    def test_children_left_behind_are_killed_and_not_waited_for(self) -> None:
        wait_until_dead(int(run_python(LEAVES_CHILD).stdout))

    @pytest.mark.parametrize("stream", [1, 2])
    def test_children_left_behind_that_go_on_writing_are_killed(self, stream: int) -> None:
        code = (
            "import os, sys, time\n"
            "if os.fork() == 0:\n"
            "    while True: os.write(int(sys.argv[1]), b'x'); time.sleep(0.01)\n"
        )
        assert run_python(code, str(stream)).returncode == 0

    def test_children_of_a_program_that_is_ended_are_killed(self) -> None:
        code = (
            "import os, sys, time\n"
            "pid = os.fork()\n"
            "if pid: sys.stderr.write(str(pid)); sys.stderr.flush()\n"
            "time.sleep(600)"
        )
        wait_until_dead(int(end_when_it_speaks(code)))

    def test_an_error_of_the_listener_ends_the_program_and_goes_on(self) -> None:
        assert not is_alive(int(end_when_it_speaks(SAYS_ITS_NUMBER)))

    def test_the_tick_comes_while_the_program_is_silent_and_may_end_it(self) -> None:
        ticks: list[None] = []

        def tick() -> None:
            ticks.append(None)
            if len(ticks) == 3:
                raise LookupError

        with pytest.raises(LookupError):
            run(["sleep", "600"], env=ENV, timeout=PLENTY, max_output=1, on_tick=tick)

    def test_an_interrupt_in_the_calling_thread_ends_the_program(self, tmp_path: Path) -> None:
        """A task queue ends a late task by raising SystemExit out of a signal handler."""
        script = tmp_path / "caller.py"
        script.write_text(
            "import os, pathlib, signal, sys\n"
            "from datetime import timedelta\n"
            "from gitopsui.adapters.process import run\n"
            "def stop(*_): raise SystemExit(7)\n"
            "signal.signal(signal.SIGALRM, stop)\n"
            "def listen(piece):\n"
            "    os.write(1, piece)\n"
            "    signal.setitimer(signal.ITIMER_REAL, 0.2)\n"
            "run(['sh', '-c', 'echo $$ >&2; sleep 600'], env={'PATH': os.environ['PATH']},\n"
            "    timeout=timedelta(minutes=9), max_output=9, on_stderr=listen)\n"
        )
        root = str(Path(__file__).parents[2])
        env = {**ENV, "PYTHONPATH": root}
        result = run([sys.executable, str(script)], env=env, timeout=PLENTY, max_output=100)
        assert result.returncode == 7
        wait_until_dead(int(result.stdout))

    def test_a_tied_program_ends_with_a_killed_parent(self, tmp_path: Path) -> None:
        caller = start_caller(tmp_path, "run", "is_tied=True, timeout=timedelta(minutes=9), max_output=9")
        with caller:
            pid = read_number(caller)
            os.kill(caller.pid, signal.SIGKILL)
            wait_until_dead(pid)

    def test_a_tied_program_sees_its_own_arguments_and_status(self) -> None:
        argv = python("import sys; print(sys.argv[1:]); sys.exit(5)", "a b", "-c")
        result = run(argv, env=ENV, timeout=PLENTY, max_output=100, is_tied=True)
        assert result == Result(5, b"['a b', '-c']\n", b"")


def start_caller(folder: Path, function: str, options: str) -> Child:
    """A process that calls `run` or `start` for a program that prints its number and sleeps."""
    script = folder / "caller.py"
    note = folder / "pid"
    script.write_text(
        "import os, time\n"
        "from datetime import timedelta\n"
        f"from gitopsui.adapters.process import {function}\n"
        f"child = {function}(['sh', '-c', 'echo $$ > {note}; exec sleep 600'],\n"
        f"    env={{'PATH': os.environ['PATH']}}, {options})\n"
        "time.sleep(600)\n"
    )
    env = {**ENV, "PYTHONPATH": str(Path(__file__).parents[2]), "NOTE": str(note)}
    return start([sys.executable, str(script)], env=env, cwd=folder, stdout=Stream.PIPE, stderr=Stream.STDOUT)


def read_number(caller: Child) -> int:
    note = Path(os.readlink(f"/proc/{caller.pid}/cwd")) / "pid"
    wait_for(lambda: note.exists() and note.read_text().strip(), "the start of the program")
    return int(note.read_text())


class TestStart:
    def test_a_child_lives_until_its_group_is_killed(self) -> None:
        child = start(["sleep", "600"], env=ENV)
        assert child.poll() is None
        assert child.wait(timedelta(seconds=0.05)) is None
        assert child.kill_group() == -signal.SIGKILL
        assert child.poll() == -signal.SIGKILL
        assert not is_alive(child.pid)

    def test_a_child_talks_over_pipes(self) -> None:
        with start(["cat"], env=ENV, stdin=Stream.PIPE, stdout=Stream.PIPE) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(b"hello")
            assert child.stdout.read(5) == b"hello"
            child.stdin.close()
            assert child.wait(PLENTY) == 0

    def test_only_the_leader_is_asked_to_end(self) -> None:
        code = (
            "import signal, sys; signal.signal(15, lambda *_: sys.exit(4)); print(flush=True); signal.pause()"
        )
        with start(python(code), env=ENV, stdout=Stream.PIPE) as child:
            assert child.stdout is not None
            child.stdout.read(1)
            child.terminate_leader()
            assert child.wait(PLENTY) == 4

    def test_what_a_dead_leader_left_is_killed_with_the_group(self) -> None:
        with start(python(LEAVES_CHILD), env=ENV, stdout=Stream.PIPE) as child:
            assert child.stdout is not None
            orphan = int(child.stdout.readline())
            assert child.wait(PLENTY) == 0
            assert is_alive(orphan)
            child.kill_group()
            wait_until_dead(orphan)

    def test_the_number_of_an_ended_child_stays_taken_until_its_group_is_killed(self) -> None:
        with start(["true"], env=ENV) as child:
            assert child.wait(PLENTY) == 0
            assert Path(f"/proc/{child.pid}").exists()
        assert not Path(f"/proc/{child.pid}").exists()

    def test_killing_twice_is_harmless(self) -> None:
        child = start(["true"], env=ENV)
        assert child.wait(PLENTY) == 0
        assert child.kill_group() == child.kill_group() == 0
        child.terminate_leader()

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_a_child_ends_with_a_killed_parent(self, tmp_path: Path, number: int) -> None:
        with start_caller(tmp_path, "start", f"death_signal={int(number)}") as caller:
            pid = read_number(caller)
            os.kill(caller.pid, signal.SIGKILL)
            wait_until_dead(pid)

    def test_a_child_whose_parent_died_before_it_was_tied_does_not_start(self) -> None:
        script = Path(__file__).parents[2] / "gitopsui/adapters/tied_process.py"
        argv = [sys.executable, "-I", "-S", str(script), "1", "9", "echo", "started"]
        result = run(argv, env=ENV, timeout=PLENTY, max_output=100)
        assert result == Result(1, b"", b"")

    def test_a_tied_child_lives_on_when_another_thread_ends(self) -> None:
        with start(["sleep", "600"], env=ENV) as child:
            thread = threading.Thread(target=lambda: None)
            thread.start()
            thread.join()
            time.sleep(0.1)
            assert child.poll() is None
