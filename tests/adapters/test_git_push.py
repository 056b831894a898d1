"""A push is a compare-and-set against a real server that asks for a password and has rules of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitopsui.adapters.git import GitAccess, Mirror, Signer
from gitopsui.domain.errors import GitError, InputError
from tests.adapters.git_http import Hub, Seed, serving

SECRET = "CANARY-push-token"
ADA = Signer("Ada", "ada@example.org", datetime(2026, 3, 4, tzinfo=UTC))
HOOK = """#!/bin/sh
echo "Tags of this team are signed."
echo "Ask in #releases; password=CANARY-of-the-hook" >&2
exit 1
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with serving(tmp_path, users={"robot": SECRET}) as served:
        yield served


@pytest.fixture
def seed(hub: Hub) -> Seed:
    made = hub.create()
    made.commit({"a": "1"})
    return made


@pytest.fixture
def mirror(hub: Hub, seed: Seed) -> Mirror:
    made = hub.mirror(access=GitAccess("robot", SECRET))
    made.fetch()
    return made


def error_of(work: Callable[[], None]) -> GitError:
    with pytest.raises(GitError) as caught:
        work()
    assert SECRET not in f"{caught.value.message}{caught.value.hint}"
    return caught.value


def tip(seed: Seed, ref: str = "refs/heads/main") -> str:
    return seed.git("for-each-ref", "--format=%(objectname)", ref)


def pushes(hub: Hub) -> int:
    return hub.server.requests.count("POST /shop.git/git-receive-pack")


def forbid(seed: Seed, script: str = HOOK, name: str = "pre-receive") -> None:
    (seed.path / "hooks").mkdir(exist_ok=True)
    hook = seed.path / "hooks" / name
    hook.write_text(script)
    hook.chmod(0o755)


class TestTag:
    def test_arrives_with_its_object(self, seed: Seed, mirror: Mirror) -> None:
        tag = mirror.create_tag("v1", tip(seed), message="Release 1", tagger=ADA)
        mirror.push_tag("v1", tag)
        assert tip(seed, "refs/tags/v1") == tag
        assert seed.git("tag", "--list", "--format=%(contents:subject)") == "Release 1"
        assert mirror.refs() == [ref for ref in mirror.refs() if ref.name != "refs/tags/v1"]

    def test_pushed_twice_is_pushed_once(self, hub: Hub, seed: Seed, mirror: Mirror) -> None:
        tag = mirror.create_tag("v1", tip(seed), message="m", tagger=ADA)
        mirror.push_tag("v1", tag)
        before = pushes(hub)
        mirror.push_tag("v1", tag)
        assert tip(seed, "refs/tags/v1") == tag
        assert pushes(hub) == before

    def test_another_one_of_its_name_is_left_alone(self, seed: Seed, mirror: Mirror) -> None:
        seed.tag("v1", tip(seed))
        other = mirror.create_tag("v1", tip(seed), message="m", tagger=ADA)
        error = error_of(lambda: mirror.push_tag("v1", other))
        assert (error.code, error.permanent) == ("GIT_REF_TAKEN", True)
        assert "v1 stands at" in error.message
        assert tip(seed, "refs/tags/v1") == tip(seed)

    def test_a_rule_of_the_server_is_quoted_and_masked(self, seed: Seed, mirror: Mirror) -> None:
        forbid(seed)
        error = error_of(lambda: mirror.push_tag("v1", tip(seed)))
        assert (error.code, error.permanent) == ("GIT_REJECTED", True)
        assert "Tags of this team are signed." in error.message
        assert "pre-receive hook declined" in error.message
        assert "CANARY" not in error.message
        assert tip(seed, "refs/tags/v1") == ""

    def test_a_hook_that_talks_for_ever_is_cut(self, seed: Seed, mirror: Mirror) -> None:
        forbid(seed, "#!/bin/sh\nfor i in $(seq 2000); do echo 'x \x1b[31m no no no'; done\nexit 1\n")
        error = error_of(lambda: mirror.push_tag("v1", tip(seed)))
        assert error.code == "GIT_REJECTED"
        assert len(error.message) < 700
        assert "\x1b" not in error.message

    def test_what_arrived_although_the_answer_was_lost_is_done(self, seed: Seed, mirror: Mirror) -> None:
        """The hook runs when the ref is made already, and ends the server before it can say so."""
        forbid(seed, "#!/bin/sh\nkill -9 $PPID\n", "post-receive")
        mirror.push_tag("v1", tip(seed))
        assert tip(seed, "refs/tags/v1") == tip(seed)

    @pytest.mark.parametrize("name", ["-x", "a b", "", "x:y", "+v1"])
    def test_a_name_that_is_none_is_refused_before_anything_is_sent(
        self, hub: Hub, seed: Seed, mirror: Mirror, name: str
    ) -> None:
        hub.server.requests.clear()
        with pytest.raises(InputError):
            mirror.push_tag(name, tip(seed))
        assert hub.server.requests == []


class TestRemoval:
    REF = "refs/heads/gitopsui/promote/7"

    def test_removes_what_stands_where_it_should_and_twice_is_once(
        self, hub: Hub, seed: Seed, mirror: Mirror
    ) -> None:
        seed.point(self.REF, tip(seed))
        mirror.remove_branch(self.REF, tip(seed))
        assert tip(seed, self.REF) == ""
        before = pushes(hub)
        mirror.remove_branch(self.REF, tip(seed))
        assert pushes(hub) == before
        assert tip(seed)

    def test_a_commit_of_somebody_else_on_it_is_never_lost(self, seed: Seed, mirror: Mirror) -> None:
        ours = tip(seed)
        theirs = seed.commit({"a": "2"}, branch="gitopsui/promote/7", parents=[ours])
        error = error_of(lambda: mirror.remove_branch(self.REF, ours))
        assert (error.code, error.permanent) == ("GIT_REF_TAKEN", True)
        assert tip(seed, self.REF) == theirs

    def test_a_rule_of_the_server_is_quoted(self, seed: Seed, mirror: Mirror) -> None:
        seed.point(self.REF, tip(seed))
        forbid(seed)
        error = error_of(lambda: mirror.remove_branch(self.REF, tip(seed)))
        assert error.code == "GIT_REJECTED"
        assert tip(seed, self.REF) == tip(seed)

    def test_without_knowing_where_it_stands_nothing_is_removed(
        self, hub: Hub, seed: Seed, mirror: Mirror
    ) -> None:
        hub.server.requests.clear()
        for sha in ("", "main", "abc"):
            assert error_of(lambda sha=sha: mirror.remove_branch(self.REF, sha)).code == "GIT_REF_MISSING"
        assert hub.server.requests == []


class TestCredential:
    def test_a_wrong_one_is_refused_with_a_hint_for_writers(
        self, hub: Hub, seed: Seed, mirror: Mirror
    ) -> None:
        other = hub.mirror(access=GitAccess("robot", "CANARY-wrong"))
        error = error_of(lambda: other.push_tag("v1", tip(seed)))
        assert (error.code, error.permanent) == ("GIT_AUTH", True)
        assert "write" in error.hint
        assert "CANARY" not in error.message

    def test_none_at_all_is_refused(self, hub: Hub, seed: Seed, mirror: Mirror) -> None:
        assert error_of(lambda: hub.mirror().push_tag("v1", tip(seed))).code == "GIT_AUTH"

    def test_a_server_that_is_gone_is_unreachable(self, hub: Hub, seed: Seed, mirror: Mirror) -> None:
        hub.server.stop()
        error = error_of(lambda: mirror.push_tag("v1", tip(seed)))
        assert (error.code, error.permanent) == ("GIT_UNREACHABLE", False)


class TestBranch:
    def test_a_new_one_arrives_and_one_that_is_there_stays(self, seed: Seed, mirror: Mirror) -> None:
        base = tip(seed)
        made = mirror.commit_tree([base], {"a": b"2"}, message="Promote", author=ADA)
        mirror.push_branch(made, "refs/heads/promote/1")
        mirror.push_branch(made, "refs/heads/promote/1")
        assert tip(seed, "refs/heads/promote/1") == made
        other = mirror.commit_tree([base], {"a": b"3"}, message="Promote", author=ADA)
        assert error_of(lambda: mirror.push_branch(other, "refs/heads/promote/1")).code == "GIT_REF_TAKEN"
        assert tip(seed, "refs/heads/promote/1") == made

    @pytest.mark.parametrize("ref", ["refs/pull/1/head", "main", "refs/heads/", "HEAD"])
    def test_only_branches_are_pushed(self, seed: Seed, mirror: Mirror, ref: str) -> None:
        with pytest.raises((GitError, InputError)):
            mirror.push_branch(tip(seed), ref)


class TestUpdate:
    def test_moves_a_branch_forward(self, seed: Seed, mirror: Mirror) -> None:
        old = tip(seed)
        new = mirror.commit_tree([old], {"a": b"2"}, message="m", author=ADA)
        mirror.push_update("refs/heads/main", old, new)
        mirror.push_update("refs/heads/main", old, new)
        assert tip(seed) == new

    def test_a_branch_somebody_else_moved_stays_where_it_is(self, seed: Seed, mirror: Mirror) -> None:
        old = tip(seed)
        theirs = seed.commit({"b": "1"})
        new = mirror.commit_tree([old], {"a": b"2"}, message="m", author=ADA)
        error = error_of(lambda: mirror.push_update("refs/heads/main", old, new))
        assert error.code == "GIT_REF_TAKEN"
        assert tip(seed) == theirs

    def test_a_branch_that_is_gone_is_not_made_again(self, seed: Seed, mirror: Mirror) -> None:
        old = seed.commit({"b": "1"}, branch="side", parents=[tip(seed)])
        mirror.fetch()
        seed.delete("refs/heads/side")
        new = mirror.commit_tree([old], {"a": b"2"}, message="m", author=ADA)
        error = error_of(lambda: mirror.push_update("refs/heads/side", old, new))
        assert (error.code, tip(seed, "refs/heads/side")) == ("GIT_REF_TAKEN", "")

    def test_history_is_never_rewritten(self, hub: Hub, seed: Seed, mirror: Mirror) -> None:
        old = tip(seed)
        new = mirror.commit_tree([], {"a": b"2"}, message="m", author=ADA)
        hub.server.requests.clear()
        error = error_of(lambda: mirror.push_update("refs/heads/main", old, new))
        assert (error.code, tip(seed)) == ("GIT_NOT_FORWARD", old)
        assert hub.server.requests == []
