"""A whole history is read as it comes, whatever is in it; changes and signatures are told apart."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitopsui.adapters import process
from gitopsui.adapters.git_history import History
from gitopsui.adapters.git_names import MAX_FIELD_BYTES
from gitopsui.adapters.git_stream import split_fields
from gitopsui.domain.errors import GitError
from gitopsui.domain.text import TEXT_LIMIT
from tests.adapters.git_http import ENV, File, Seed, git


@pytest.fixture
def seed(tmp_path: Path) -> Seed:
    return Seed.create(tmp_path / "shop.git")


@pytest.fixture
def history(seed: Seed) -> History:
    return History(seed.path)


def shas(history: History, *exclude: str) -> list[str]:
    return [logged.commit.sha for logged in history.stream_log(exclude=exclude)]


class TestLog:
    def test_parents_come_before_children_from_every_branch_tag_and_kept_head(
        self, seed: Seed, history: History
    ) -> None:
        first, second = seed.commit(), seed.commit()
        side = seed.commit(branch="side", parents=[first])
        tagged = seed.commit(branch="gone", parents=[second])
        seed.tag("v1", tagged, message="m")
        kept = seed.commit(branch="gone", parents=[second])
        seed.point("refs/gitopsui/keep/1-x", kept)
        seed.delete("refs/heads/gone")
        seed.point("refs/pull/1/head", seed.commit(branch="pull", parents=[first]))
        seed.delete("refs/heads/pull")
        found = shas(history)
        assert sorted(found) == sorted([first, second, side, tagged, kept])
        assert found.index(first) < min(found.index(second), found.index(side))
        assert history.tips() >= {side, second, tagged, kept}

    def test_only_what_is_new_comes(self, seed: Seed, history: History) -> None:
        old = seed.commit()
        new = seed.commit()
        assert shas(history, old) == [new]
        assert shas(history, new) == []

    def test_what_is_known_and_no_longer_here_is_passed_over(self, seed: Seed, history: History) -> None:
        commit = seed.commit()
        assert shas(history, "e" * 40) == [commit]

    def test_tags_of_files_and_folders_are_passed_over(self, seed: Seed, history: History) -> None:
        commit = seed.commit({"a": "1"})
        seed.tag("file", seed.git("rev-parse", "HEAD:a"))
        seed.tag("folder", seed.git("rev-parse", "HEAD^{tree}"), message="m")
        assert shas(history) == [commit]

    def test_nothing_at_all_is_no_error(self, history: History) -> None:
        assert shas(history) == []

    def test_a_commit_is_as_git_has_it(self, seed: Seed, history: History) -> None:
        seed.commit()
        who = "Zoë <zoe@example.org> 1767225600 +0100"
        head = f"tree {seed.git('rev-parse', 'HEAD^{tree}')}\nauthor {who}\n"
        head += "committer Robot <r@example.org> 99999999999999 +0000\n\n"
        sha = seed.raw("commit", head.encode() + b"subject\n\nbody \xff\x1f end\n")
        seed.point("refs/heads/main", sha)
        logged = next(each for each in history.stream_log() if each.commit.sha == sha)
        assert logged.commit.author_name == "Zoë"
        assert logged.commit.authored_at == datetime(2026, 1, 1, tzinfo=UTC)
        assert logged.commit.committed_at is None
        assert (logged.committer_name, logged.committer_email) == ("Robot", "r@example.org")
        assert logged.commit.message.startswith("subject\n\nbody \ufffd\x1f end")
        assert not logged.is_cut

    def test_a_message_that_is_too_long_is_cut_and_said(self, seed: Seed, history: History) -> None:
        seed.commit(message="first")
        seed.commit(message="x" * (TEXT_LIMIT - 1))
        seed.commit(message="ä" * 3_000_000)
        seed.commit(message="last")
        logged = list(history.stream_log())
        assert [each.is_cut for each in logged] == [False, False, True, False]
        assert len(logged[2].commit.message) == TEXT_LIMIT
        assert logged[3].commit.message == "last"

    def test_a_reader_that_stops_ends_git(self, seed: Seed, history: History) -> None:
        for _ in range(3):
            seed.commit()
        stream = history.stream_log()
        assert next(stream).commit.parents == ()
        stream.close()  # type: ignore[attr-defined]

    def test_a_folder_that_is_no_repository_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(GitError):
            list(History(tmp_path / "none").stream_log())

    def test_a_shallow_clone_is_refused(self, tmp_path: Path, seed: Seed, history: History) -> None:
        seed.commit()
        seed.commit()
        git("clone", "--quiet", "--bare", "--depth=1", f"file://{seed.path}", str(tmp_path / "shallow"))
        history.check_whole()
        with pytest.raises(GitError, match="shallow") as caught:
            History(tmp_path / "shallow").check_whole()
        assert (caught.value.code, caught.value.permanent) == ("GIT_REFUSED", True)


class TestFields:
    @pytest.mark.parametrize("size", [1, 2, 3, 100])
    def test_are_whole_however_they_arrive(self, size: int) -> None:
        data = b"one\0\0three\0"
        pieces = (data[start : start + size] for start in range(0, len(data), size))
        assert list(split_fields(pieces)) == [b"one", b"", b"three"]

    def test_are_held_to_a_limit(self) -> None:
        pieces = (b"x" * 100_000 for _ in range(50))
        found = list(split_fields(iter([*pieces, b"\0next\0"])))
        assert [len(field) for field in found] == [MAX_FIELD_BYTES, 4]


class TestPatchIds:
    def test_the_same_change_has_the_same_id_wherever_it_is(self, seed: Seed, history: History) -> None:
        base = seed.commit({"a": "1\n2\n3\n", "b": "1\n"})
        one = seed.commit({"a": "1\n2\n3\n4\n"}, "one")
        seed.commit({"b": "2\n"}, branch="side", parents=[base])
        other = seed.commit({"a": "1\n2\n3\n4\n"}, "other", branch="side")
        found = history.patch_ids([base, one, other])
        assert found[one] == found[other] != found[base]
        assert found[one] == plain_patch_id(seed, one)

    def test_merges_and_empty_commits_have_none(self, seed: Seed, history: History) -> None:
        base = seed.commit({"a": "1"})
        empty = seed.commit({})
        side = seed.commit({"b": "1"}, branch="side", parents=[base])
        merge = seed.commit({"b": "1"}, parents=[empty, side])
        assert set(history.patch_ids([base, empty, side, merge])) == {base, side}

    def test_files_that_are_no_text_are_told_apart(self, seed: Seed, history: History) -> None:
        base = seed.commit({"a": File(b"\0base")})
        one = seed.commit({"a": File(b"\0one")}, branch="one", parents=[base])
        other = seed.commit({"a": File(b"\0other")}, branch="other", parents=[base])
        again = seed.commit({"a": File(b"\0one")}, branch="again", parents=[base])
        found = history.patch_ids([one, other, again])
        assert found[one] == found[again] != found[other]

    def test_a_change_that_cannot_be_read_hides_no_other(self, seed: Seed, history: History) -> None:
        known = [seed.commit({"a": str(number)}) for number in range(4)]
        blob = seed.git("rev-parse", f"{known[2]}:a")
        (seed.path / "objects" / blob[:2] / blob[2:]).unlink(missing_ok=True)
        lost = seed.raw_commit(tree=seed.raw("tree", b"100644 a\0" + bytes.fromhex("e" * 40)))
        found = history.patch_ids([known[0], lost, known[1]])
        assert set(found) == {known[0], known[1]}

    def test_nothing_asked_is_nothing_answered(self, history: History) -> None:
        assert history.patch_ids([]) == history.signatures([]) == {}


def plain_patch_id(seed: Seed, sha: str) -> str:
    diff = seed.git("diff-tree", "-p", sha) + "\n"
    return git("patch-id", "--stable", stdin=diff.encode()).split()[0]


class TestSignatures:
    @pytest.fixture
    def key(self, tmp_path: Path) -> Path:
        if shutil.which("ssh-keygen") is None:
            pytest.skip("ssh-keygen is not installed")
        path = tmp_path / "key"
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
        process.run(argv, env=ENV, timeout=timedelta(seconds=30), max_output=1 << 16)
        return path

    @staticmethod
    def sign(seed: Seed, key: Path) -> str:
        options = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={key}")
        return seed.git(*options, "commit-tree", "-S", "-m", "signed", "HEAD^{tree}")

    def test_a_signature_nobody_can_check_is_neither_good_nor_missing(
        self, seed: Seed, history: History, key: Path
    ) -> None:
        plain = seed.commit(message="gpgsig not a header")
        signed = self.sign(seed, key)
        assert history.signatures([plain, signed]) == {plain: "unsigned", signed: "unknown"}
