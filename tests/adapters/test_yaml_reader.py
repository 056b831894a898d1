from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gitopsui.adapters import process, yaml_reader
from gitopsui.adapters.yaml_limits import Limits
from gitopsui.adapters.yaml_reader import ParsedFile, YamlReader, as_manifests, read_files, read_text
from gitopsui.domain.errors import SourceError, UnreadableFile
from tests.waiting import is_alive, wait_until_dead

ROOT = Path(__file__).parents[2]
STAND_IN = ROOT / "tests" / "data" / "yaml" / "stand_in_child.py"
CASES = ROOT.parent / "shared" / "conformance" / "badinput"
MARKER = Path("/tmp/gitopsui-pwned")
LIMITS = Limits(wall_seconds=120)


@pytest.fixture
def reader() -> Iterator[YamlReader]:
    reader = YamlReader([sys.executable, "-I", str(STAND_IN)], files_per_child=3)
    yield reader
    reader.close()


@pytest.fixture(autouse=True)
def _end_the_shared_child() -> Iterator[None]:
    yield
    yaml_reader._shared.close()


def code_of(parsed: ParsedFile) -> str:
    assert parsed.documents == ()
    return parsed.error.code if parsed.error else ""


def child_of(reader: YamlReader) -> int:
    [pid] = reader.read_file("who", b"who", LIMITS).documents
    return int(pid)


def test_each_file_is_answered_under_its_path_with_its_own_error() -> None:
    files = {"a.yaml": b"a: 1\n---\n\nb: 2\n", "b.yaml": b"a: 1\na: 2\n", "c.yaml": b"", "d.yaml": b"x"}

    parsed = read_files(files)

    assert list(parsed) == list(files)
    assert parsed["a.yaml"] == ParsedFile(({"a": 1}, {"b": 2}), lines=(1, 4))
    assert parsed["c.yaml"] == ParsedFile()
    assert parsed["d.yaml"].documents == ("x",)
    error = parsed["b.yaml"].error
    assert error is not None
    assert (error.code, error.path, error.line) == ("YAML_DUPLICATE_KEY", "b.yaml", 2)


def test_one_text_is_read_or_raises_with_its_path() -> None:
    assert read_text(b"a: [1, 0644, y]\n") == [{"a": [1, 420, True]}]
    with pytest.raises(UnreadableFile) as caught:
        read_text(b"a: [", path="x/values.yaml")
    assert (caught.value.code, caught.value.path) == ("YAML_SYNTAX", "x/values.yaml")


def test_values_cross_the_pipe_unchanged() -> None:
    text = 'a: "\\0\\u2028😀"\nb: 9223372036854775807\nc: 1e300\nd: 0.1\ne: 1e400\nf: []\ng: {}\nh:\n'

    assert read_text(text.encode()) == [
        {"a": "\0\u2028😀", "b": 2**63 - 1, "c": 1e300, "d": 0.1, "e": "1e400", "f": [], "g": {}, "h": None}
    ]


def test_aliases_become_copies() -> None:
    [document] = read_text(b"a: &a {k: 1}\nb: *a\n")

    document["a"]["k"] = 2

    assert document["b"] == {"k": 1}


def test_a_file_over_the_size_limit_is_not_even_sent(reader: YamlReader) -> None:
    assert code_of(reader.read_file("x", b"crash", Limits(file_bytes=4))) == "YAML_SIZE"
    assert reader._child is None


def test_a_file_that_kills_its_child_twice_is_blamed_and_the_rest_goes_on(reader: YamlReader) -> None:
    parsed = [reader.read_file("x", data, LIMITS) for data in (b"a: 1", b"crash", b"b: 2")]

    assert parsed[0].documents == ({"a": 1},)
    assert code_of(parsed[1]) == "YAML_CRASH"
    assert parsed[2].documents == ({"b": 2},)


def test_a_file_is_not_blamed_when_its_child_is_killed_by_somebody_else(
    reader: YamlReader, tmp_path: Path
) -> None:
    marker = tmp_path / "crash"
    marker.touch()

    assert reader.read_file("x", f"crash once: {marker}".encode(), LIMITS).error is None


def test_a_file_that_takes_too_much_work_is_ended_by_the_kernel(reader: YamlReader) -> None:
    parsed = reader.read_file("x", b"work for ever", Limits(cpu_seconds=1, wall_seconds=60))

    assert code_of(parsed) == "YAML_TIME"
    assert reader.read_file("x", b"a: 1", LIMITS).documents == ({"a": 1},)


def test_a_child_that_does_not_answer_is_ended_at_the_deadline(reader: YamlReader) -> None:
    pid = child_of(reader)

    assert code_of(reader.read_file("x", b"sleep", Limits(wall_seconds=1))) == "YAML_TIME"
    assert not is_alive(pid)


def test_a_child_that_does_not_even_read_is_ended_at_the_deadline(reader: YamlReader) -> None:
    os.kill(child_of(reader), signal.SIGSTOP)

    assert code_of(reader.read_file("x", b"# " + b"x" * (1 << 20), Limits(wall_seconds=1))) == "YAML_TIME"


def test_a_file_that_needs_more_than_the_memory_of_its_child_is_refused(reader: YamlReader) -> None:
    assert code_of(reader.read_file("x", b"eat memory", LIMITS)) == "YAML_SIZE"


def test_the_child_is_replaced_after_some_files(reader: YamlReader) -> None:
    pids = [child_of(reader) for _ in range(4)]

    assert pids[0] == pids[2] != pids[3]
    assert not is_alive(pids[0])


def test_the_child_is_replaced_when_it_was_killed_between_two_files(reader: YamlReader) -> None:
    pid = child_of(reader)
    os.kill(pid, signal.SIGKILL)

    assert child_of(reader) != pid


@pytest.mark.parametrize(
    "script", ["raise SystemExit(1)", "import os; os.close(1); import time; time.sleep(600)"]
)
def test_no_file_is_blamed_when_the_reader_cannot_be_started(script: str) -> None:
    reader = YamlReader([sys.executable, "-I", "-c", script])

    with pytest.raises(SourceError) as caught:
        reader.read_file("x", b"a: 1", LIMITS)

    assert (caught.value.code, caught.value.permanent) == ("YAML_READER", False)


def test_the_child_inherits_no_environment_and_can_write_no_file(reader: YamlReader) -> None:
    pid = child_of(reader)

    assert Path(f"/proc/{pid}/environ").read_bytes() == b""
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert [line.split()[3] for line in limits.splitlines() if line.startswith("Max file size")] == ["0"]
    assert [line.split()[3] for line in limits.splitlines() if line.startswith("Max address space")] == [
        str(512 << 20)
    ]


def test_many_threads_share_one_child() -> None:
    answers: dict[int, Any] = {}

    def read(number: int) -> None:
        answers[number] = [read_text(f"a: {number}\n".encode())[0]["a"] for _ in range(20)]

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {number: [number] * 20 for number in range(8)}


PARENT = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from gitopsui.adapters import yaml_reader
assert yaml_reader.read_text(b"a: 1") == [{"a": 1}]
child = yaml_reader._shared._child.handle.pid
"""
ENDINGS = {
    "killed": "print(child, flush=True); os.kill(os.getpid(), signal.SIGKILL)",
    "finished": "print(child, flush=True)",
    "forked": """
if os.fork() == 0:
    assert yaml_reader.read_text(b"b: 1") == [{"b": 1}]
    assert yaml_reader._shared._child.handle.pid != child
    os.kill(os.getpid(), signal.SIGKILL)
assert os.wait()[1] == signal.SIGKILL
assert yaml_reader.read_text(b"c: 1") == [{"c": 1}]
assert yaml_reader._shared._child.handle.pid == child
print(child, flush=True)
""",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_child_ends_with_its_parent_and_a_fork_gets_one_of_its_own(ending: str) -> None:
    result = process.run(
        [sys.executable, "-W", "error", "-c", PARENT + ENDINGS[ending], str(ROOT)],
        env={},
        timeout=timedelta(seconds=60),
        max_output=1 << 16,
    )

    assert result.stderr == b""
    wait_until_dead(int(result.stdout))


@pytest.mark.parametrize(
    ("text", "what"), [(b"a: 1\n---\n\n- b\n", "a list"), (b"a: 1\n---\n\njust text\n", "value")]
)
def test_a_file_of_manifests_holds_mappings_only(text: bytes, what: str) -> None:
    parsed = as_manifests("x.yaml", read_files({"x.yaml": text})["x.yaml"])

    assert parsed.error is not None
    assert (parsed.error.code, parsed.error.path, parsed.error.line) == ("NOT_MANIFEST", "x.yaml", 4)
    assert what in parsed.error.message


def shared_cases() -> list[dict[str, Any]]:
    if not CASES.is_dir():
        return []
    index = json.loads((CASES / "index.json").read_text())
    return [case for case in index["cases"] if case["category"] == "yaml"]


@pytest.mark.shared
@pytest.mark.skipif(not CASES.is_dir(), reason="sample cases are not beside this repository")
@pytest.mark.parametrize("case", shared_cases(), ids=lambda case: case["id"])
def test_a_sample_case_ends_as_it_must(case: dict[str, Any]) -> None:
    data = (CASES / case["file"]).read_bytes()

    parsed = as_manifests(case["file"], read_files({case["file"]: data})[case["file"]])

    assert (parsed.error.code if parsed.error else "OK") == case["outcome"]
    assert parsed.error is None or parsed.error.line > 0
    assert not MARKER.exists()


@pytest.mark.shared
@pytest.mark.skipif(not CASES.is_dir(), reason="sample cases are not beside this repository")
def test_all_sample_cases_in_one_batch_disturb_nobody() -> None:
    files = {path.name: path.read_bytes() for path in sorted((CASES / "yaml").iterdir())}

    parsed = read_files(files)

    assert [name for name in files if name.startswith("control_") and parsed[name].error] == []
    assert len(parsed) == len(files)
