"""The environment is read once, typed, and refused with a sentence where it is nonsense."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from gitopsui.env import Env


def env(**values: str) -> Env:
    return Env(values)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda e: e.flag("X"), "perhaps"),
        (lambda e: e.number("X", 1, minimum=1, maximum=9), "10"),
        (lambda e: e.number("X", 1, minimum=1, maximum=9), "-1"),
        (lambda e: e.number("X", 1, minimum=1, maximum=9), "٣"),
        (lambda e: e.number("X", 1, minimum=1, maximum=9), "1.5"),
        (lambda e: e.endpoints("X"), "127.0.0.1"),
        (lambda e: e.endpoints("X"), "http://127.0.0.1:80"),
        (lambda e: e.endpoints("X"), "127.0.0.1:0"),
        (lambda e: e.endpoints("X"), "127.0.0.1:70000"),
        (lambda e: e.hosts("X"), "https://git.example.org"),
        (lambda e: e.hosts("X"), "git.example.org:443"),
        (lambda e: e.address("X", ""), "gitops.example.org"),
        (lambda e: e.address("X", ""), "http://gitops.example.org"),
        (lambda e: e.address("X", ""), "ftp://gitops.example.org"),
        (lambda e: e.address("X", ""), "https://example.org/gitops"),
        (lambda e: e.database_url("X"), "mysql://root:hunter2@db/x"),
    ],
)
def test_nonsense_is_refused_with_the_name_of_the_setting(read: Callable[[Env], Any], value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^X ") as caught:
        read(env(X=value))

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (lambda e: e.flag("X"), "", False),
        (lambda e: e.flag("X"), "Yes", True),
        (lambda e: e.flag("X", default=True), "0", False),
        (lambda e: e.number("X", 4, minimum=1, maximum=9), "", 4),
        (lambda e: e.seconds("X", 4, minimum=1, maximum=90), "60", timedelta(minutes=1)),
        (lambda e: e.words("X"), " a, b\nc,,", ("a", "b", "c")),
        (lambda e: e.endpoints("X"), "LOCALHOST:1 [::1]:2", frozenset({"localhost:1", "[::1]:2"})),
        (lambda e: e.hosts("X"), "*.Example.org git_lab", ("*.example.org", "git_lab")),
        (lambda e: e.address("X", ""), "https://gitops.example.org/", "https://gitops.example.org"),
        (lambda e: e.address("X", ""), "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        (lambda e: e.database_url("X"), "", ""),
        (lambda e: e.text("X", "fallback"), "", ""),
    ],
)
def test_values_are_read_as_what_they_mean(read: Callable[[Env], Any], value: str, expected: Any) -> None:
    assert read(env(X=value)) == expected


def test_a_value_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("  from a file\n")

    assert env(X_FILE=str(file)).text("X") == "from a file"


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match="X_FILE"):
        env(X_FILE="/no/such/file").text("X")


def test_a_value_and_a_file_are_one_too_many() -> None:
    with pytest.raises(ImproperlyConfigured, match="both set"):
        env(X="1", X_FILE="/tmp/x").text("X")


def test_a_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    kept = tmp_path / "secrets" / "key"
    made: list[str] = []

    def generate() -> str:
        made.append(f"{len(made)}" * 50)
        return made[-1]

    read = [env().secret("X", kept_in=kept, generate=generate) for _ in range(2)]

    assert read == ["0" * 50] * 2
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert list(kept.parent.iterdir()) == [kept]


def test_processes_that_start_at_once_agree_on_a_secret(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)
    read: list[str] = []

    def start(number: int) -> None:
        barrier.wait(10)
        read.append(env().secret("X", kept_in=tmp_path / "key", generate=lambda: f"{number}" * 40))

    threads = [threading.Thread(target=start, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(read) == 8
    assert len(set(read)) == 1


def test_the_secret_of_the_operator_comes_first_and_must_be_long(tmp_path: Path) -> None:
    kept = tmp_path / "key"

    assert env(X="a" * 40).secret("X", kept_in=kept, generate=str) == "a" * 40
    assert not kept.exists()
    with pytest.raises(ImproperlyConfigured, match="too short"):
        env(X="short").secret("X", kept_in=kept, generate=str)


def test_an_emptied_secret_is_not_replaced_by_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("")

    with pytest.raises(ImproperlyConfigured, match="backup"):
        env().secret("X", kept_in=tmp_path / "key", generate=lambda: "x" * 40)
