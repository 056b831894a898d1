"""The folder of a mirror: its lock, its leftovers, its swap."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from gitopsui.adapters import mirror_files
from gitopsui.domain.errors import GitError

NOW = timedelta(0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mirrors/shop"


def test_the_lock_has_one_holder_at_a_time(path: Path) -> None:
    with mirror_files.locked(path, patience=NOW):
        with pytest.raises(GitError) as caught, mirror_files.locked(path, patience=timedelta(seconds=0.2)):
            pass
        assert caught.value.code == "GIT_BUSY"
    with mirror_files.locked(path, patience=NOW):
        pass


def test_who_waits_gets_the_lock_when_it_is_free(path: Path) -> None:
    order = []

    def wait() -> None:
        with mirror_files.locked(path, patience=timedelta(minutes=2)):
            order.append("second")

    thread = threading.Thread(target=wait)
    with mirror_files.locked(path, patience=NOW):
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_what_is_built_takes_the_place_of_what_was(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "old").touch()
    with mirror_files.building(path) as new:
        new.mkdir()
        (new / "new").touch()
        assert (path / "old").exists()
    assert os.listdir(path) == ["new"]
    assert os.listdir(path.parent) == ["shop"]


def test_what_was_stays_when_building_fails(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "old").touch()
    with suppress(LookupError), mirror_files.building(path) as new:
        new.mkdir()
        raise LookupError
    assert os.listdir(path) == ["old"]
    assert os.listdir(path.parent) == ["shop"]


def make(path: Path, *, age: float = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_only_old_leftovers_are_removed(path: Path) -> None:
    old = [
        make(path / name, age=100)
        for name in (
            "packed-refs.lock",
            "refs/heads/a/b.lock",
            "objects/pack/tmp_pack_x",
            "objects/ab/tmp_obj_x",
        )
    ]
    kept = [make(path / "config.lock", age=10), make(path / "refs/heads/locks", age=100)]
    mirror_files.remove_leftovers(path, older_than=timedelta(seconds=50))
    assert not [leftover for leftover in old if leftover.exists()]
    assert all(item.exists() for item in kept)


def test_what_a_failed_step_leaves_is_removed_and_nothing_older(path: Path) -> None:
    old = make(path / "HEAD.lock", age=100)
    with suppress(LookupError), mirror_files.removing_unfinished(path):
        new = make(path / "objects/pack/tmp_pack_x")
        raise LookupError
    assert not new.exists()
    assert old.exists()


def test_the_journal_is_read_as_it_was_written(path: Path) -> None:
    path.mkdir(parents=True)
    assert mirror_files.read_journal(path) is None
    refs = {"refs/heads/main": "a" * 40, "refs/heads/\u202e \u2028x": "b" * 40}
    mirror_files.write_journal(path, refs)
    assert mirror_files.read_journal(path) == refs
    mirror_files.remove_journal(path)
    assert mirror_files.read_journal(path) is None


def test_links_are_not_measured_through(path: Path, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(100_000))
    path.mkdir(parents=True)
    (path / "a").write_bytes(bytes(10))
    (path / "sub").mkdir()
    (path / "sub/b").write_bytes(bytes(20))
    (path / "link").symlink_to(tmp_path)
    assert mirror_files.measure(path) < 1000


def test_free_space_is_asked_of_the_disk_that_will_hold_the_mirror(path: Path) -> None:
    mirror_files.check_free_space(path / "not/there/yet", min_free_bytes=1)
    with pytest.raises(GitError) as caught:
        mirror_files.check_free_space(path, min_free_bytes=1 << 62)
    assert caught.value.code == "GIT_NO_SPACE"
