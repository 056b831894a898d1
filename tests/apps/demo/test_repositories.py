from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.demo.repositories import (
    NewCommit,
    NewTag,
    create_repository,
    email_of,
    extend_repository,
)
from gitopsui.adapters.git_repository import Repository
from gitopsui.domain.errors import GitError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAIN = "refs/heads/main"


def commit(minutes: int, message: str, **more: object) -> NewCommit:
    at = NOW + timedelta(minutes=minutes)
    return NewCommit(at, "cart engineer", message, {"a.txt": f"{minutes}\n"}, **more)  # type: ignore[arg-type]


def test_a_merged_branch_has_two_parents_and_goes_away(tmp_path: Path) -> None:
    path = tmp_path / "cart.git"
    create_repository(
        path,
        [
            commit(0, "first"),
            commit(1, "aside", branch="work/1", starts_at="main"),
            commit(2, "more aside", branch="work/1"),
            commit(3, "second"),
            NewCommit(NOW + timedelta(minutes=4), "cart maintainer", "merge", {}, merges="work/1"),
        ],
    )
    repository = Repository(path)
    assert [ref.name for ref in repository.refs()] == [MAIN]
    merge, *_ = repository.log(MAIN)
    assert (merge.message.strip(), len(merge.parents), repository.count(MAIN)) == ("merge", 2, 4)


def test_a_message_may_name_the_id_of_an_earlier_commit(tmp_path: Path) -> None:
    path = tmp_path / "cart.git"
    create_repository(path, [commit(0, "first"), commit(1, "fix", key="f"), commit(2, "undo {id:f}")])
    undo, fix, _ = Repository(path).log(MAIN)
    assert undo.message.strip() == f"undo {fix.sha}"


def test_commits_are_added_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "cart.git"
    create_repository(path, [commit(0, "first"), NewTag(NOW, "v1.0.0", "cart 1.0.0\n")])
    extend_repository(path, [commit(1, "second"), NewTag(NOW, "v1.1.0-rc.1")])
    repository = Repository(path)
    assert [found.message.strip() for found in repository.log(MAIN)] == ["second", "first"]
    tags = {ref.short: ref.is_annotated for ref in repository.refs() if ref.kind == "tag"}
    assert tags == {"v1.0.0": True, "v1.1.0-rc.1": False}


def test_the_same_steps_give_the_same_ids(tmp_path: Path) -> None:
    heads = []
    for name in ("one", "two"):
        create_repository(tmp_path / name, [commit(0, "first"), commit(1, "second")])
        heads.append(Repository(tmp_path / name).resolve(MAIN))
    assert heads[0] == heads[1]


def test_what_git_refuses_is_said_and_leaves_the_branch_alone(tmp_path: Path) -> None:
    path = tmp_path / "cart.git"
    create_repository(path, [commit(0, "first")])
    before = Repository(path).resolve(MAIN)
    with pytest.raises(GitError, match="could not write"):
        extend_repository(path, [commit(1, "second"), commit(2, "third", merges="nowhere")])
    assert Repository(path).resolve(MAIN) == before


def test_an_author_is_a_role_with_an_address_of_the_demo() -> None:
    assert email_of("cart maintainer") == "cart-maintainer@demo.example"
