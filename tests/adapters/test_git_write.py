"""Commits and tags made by plumbing are what Git itself would have made, and the same each time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitopsui.adapters import process
from gitopsui.adapters.git import KeyKind, Signer, SigningKey
from gitopsui.adapters.git_write import KnownFile, Writer
from gitopsui.domain.errors import GitError, InputError
from tests.adapters.git_http import ENV, File, Seed, link

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ADA = Signer("Ada", "ada@example.org", AT)
ROBOT = Signer("Robot", "robot@example.org", AT + timedelta(minutes=1))


@pytest.fixture
def seed(tmp_path: Path) -> Seed:
    return Seed.create(tmp_path / "shop.git")


@pytest.fixture
def writer(seed: Seed) -> Writer:
    return Writer(seed.path)


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises((GitError, InputError)) as caught:
        work()
    assert isinstance(caught.value, GitError | InputError)
    return caught.value.code


class TestTag:
    def test_is_what_git_would_have_made(self, seed: Seed, writer: Writer) -> None:
        commit = seed.commit()
        made = writer.create_tag("v1", commit, message="Release 1\n\nNotes.", tagger=ADA)
        seed.point("refs/tags/v1", made)
        assert seed.git("rev-parse", "v1^{commit}") == commit
        shown = seed.git(
            "for-each-ref", "--format=%(taggername) %(taggeremail) %(taggerdate:unix) %(contents)"
        )
        expected = f"Ada <ada@example.org> {int(AT.timestamp())} Release 1\n\nNotes."
        assert expected in shown
        assert seed.git("fsck", "--strict") == ""

    def test_is_the_same_each_time_and_moves_no_ref(self, seed: Seed, writer: Writer) -> None:
        commit = seed.commit()
        first = writer.create_tag("v1", commit, message="m", tagger=ADA)
        assert writer.create_tag("v1", commit, message="m\n", tagger=ADA) == first
        assert seed.git("for-each-ref", "refs/tags") == ""

    @pytest.mark.parametrize("name", ["", "-d", "a b", "a..b", "x\ny", "refs/tags/v1"])
    def test_a_name_git_does_not_allow_is_refused(self, seed: Seed, writer: Writer, name: str) -> None:
        commit = seed.commit()
        assert code_of(lambda: writer.create_tag(name, commit, message="m", tagger=ADA)).startswith("REF_")

    @pytest.mark.parametrize("name", ["A\nB", "A <x>", "A\0"])
    def test_a_person_with_a_name_git_cannot_write_is_refused(self, name: str) -> None:
        assert code_of(lambda: Signer(name, "a@example.org", AT)) == "IDENTITY_SYNTAX"

    def test_a_commit_that_is_not_here_is_missing(self, seed: Seed, writer: Writer) -> None:
        seed.commit()
        tag = lambda: writer.create_tag("v1", "refs/heads/none", message="m", tagger=ADA)  # noqa: E731
        assert code_of(tag) == "GIT_REF_MISSING"


class TestSigned:
    @pytest.fixture
    def ssh_key(self, tmp_path: Path) -> str:
        if shutil.which("ssh-keygen") is None:
            pytest.skip("ssh-keygen is not installed")
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(tmp_path / "key")])
        return (tmp_path / "key").read_text()

    def test_git_takes_an_ssh_signature_for_good(
        self, tmp_path: Path, seed: Seed, writer: Writer, ssh_key: str
    ) -> None:
        made = writer.create_tag("v1", seed.commit(), message="m", tagger=ADA, key=SigningKey(ssh_key))
        public = (tmp_path / "key.pub").read_text()
        (tmp_path / "allowed").write_text(f"ada@example.org {public}")
        seed.point("refs/tags/v1", made)
        seed.git("-c", f"gpg.ssh.allowedSignersFile={tmp_path / 'allowed'}", "verify-tag", "v1")
        assert "-----BEGIN SSH SIGNATURE-----" in seed.git("cat-file", "tag", made)

    def test_the_key_is_nowhere_afterwards(
        self, seed: Seed, writer: Writer, ssh_key: str, memory: Path
    ) -> None:
        writer.create_tag("v1", seed.commit(), message="m", tagger=ADA, key=SigningKey(ssh_key))
        secret = ssh_key.splitlines()[2].encode()
        assert not [*memory.iterdir()]
        assert not any(secret in path.read_bytes() for path in seed.path.rglob("*") if path.is_file())
        assert "hidden" in repr(SigningKey(ssh_key))

    def test_a_key_that_is_none_is_said_and_not_quoted(self, seed: Seed, writer: Writer) -> None:
        commit = seed.commit()
        key = SigningKey("CANARY no key")
        with pytest.raises(GitError) as caught:
            writer.create_tag("v1", commit, message="m", tagger=ADA, key=key)
        assert (caught.value.code, caught.value.permanent) == ("GIT_KEY", True)
        assert "CANARY" not in caught.value.message

    def test_git_takes_a_gpg_signature_for_good(self, tmp_path: Path, seed: Seed, writer: Writer) -> None:
        if shutil.which("gpg") is None:
            pytest.skip("gpg is not installed")
        home = tmp_path / "g"
        home.mkdir(mode=0o700)
        gpg = ["gpg", "--batch", "--quiet", "--homedir", str(home), "--pinentry-mode", "loopback"]
        gpg += ["--passphrase", ""]
        before = "20260101T000000"
        run(
            [
                *gpg,
                "--faked-system-time",
                before,
                "--quick-gen-key",
                "ada@example.org",
                "ed25519",
                "sign",
                "0",
            ]
        )
        secret = run([*gpg, "--armor", "--export-secret-keys"])
        try:
            made = writer.create_tag(
                "v1", seed.commit(), message="m", tagger=ADA, key=SigningKey(secret, KeyKind.GPG)
            )
            run(["git", f"--git-dir={seed.path}", "verify-tag", made], GNUPGHOME=str(home))
        finally:
            run(["gpgconf", "--homedir", str(home), "--kill", "all"])


def run(argv: list[str], **extra: str) -> str:
    result = process.run(argv, env={**ENV, **extra}, timeout=timedelta(seconds=30), max_output=1 << 20)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout.decode()


class TestCommit:
    def test_files_beside_the_one_that_changes_are_no_obstacle(self, seed: Seed, writer: Writer) -> None:
        parent = seed.commit({"apps/a/one.yaml": "1\n", "apps/a/two.yaml": "2\n", "apps/b/three.yaml": "3\n"})
        made = writer.commit_tree([parent], {"apps/a/one.yaml": b"new\n"}, message="m", author=ADA)
        assert seed.git("diff", "--name-only", parent, made) == "apps/a/one.yaml"

    def test_changes_adds_and_removes_files_and_nothing_else(self, seed: Seed, writer: Writer) -> None:
        base = seed.commit({"a": "1", "b/c": "2", "run": File(b"#!", "100755"), "d": "4"})
        edits = {"a": b"new", "b/c": None, "e/f": b"\x00\xff", "run": b"#!2"}
        made = writer.commit_tree([base], edits, message="Change", author=ADA, committer=ROBOT)
        entries = {
            entry.path: (entry.mode, writer.blobs([entry.sha], max_bytes=99)) for entry in writer.tree(made)
        }
        assert {path: (mode, *content.values()) for path, (mode, content) in entries.items()} == {
            "a": ("100644", b"new"),
            "d": ("100644", b"4"),
            "e/f": ("100644", b"\x00\xff"),
            "run": ("100755", b"#!2"),
        }
        said = seed.git("log", "-1", "--format=%P|%an|%ae|%at|%cn|%ct|%s", made)
        at = int(AT.timestamp())
        assert said == f"{base}|Ada|ada@example.org|{at}|Robot|{at + 60}|Change"
        assert seed.git("fsck", "--strict", made) == ""

    def test_a_content_that_is_there_already_goes_by_its_id(self, seed: Seed, writer: Writer) -> None:
        base = seed.commit(
            {"from/run": File(b"#!", "100755"), "to/run": "#!", "to/same": File(b"1", "100755")}
        )
        blobs = {entry.path: entry.sha for entry in writer.tree(base)}
        edits = {
            "to/run": KnownFile(blobs["from/run"], is_executable=True),
            "to/same": KnownFile(blobs["from/run"]),
            "to/new": KnownFile(blobs["to/same"], is_executable=False),
        }
        made = writer.commit_tree([base], edits, message="m", author=ADA)
        found = {entry.path: (entry.mode, entry.sha) for entry in writer.tree(made, "to")}
        assert found == {
            "to/new": ("100644", blobs["to/same"]),
            "to/run": ("100755", blobs["from/run"]),
            "to/same": ("100755", blobs["from/run"]),
        }
        assert seed.git("fsck", "--strict", made) == ""

    @pytest.mark.parametrize("blob", ["0" * 39 + "1", "", "HEAD", "a\n"])
    def test_a_content_that_is_not_there_is_refused(self, seed: Seed, writer: Writer, blob: str) -> None:
        base = seed.commit({"a": "1"})
        with pytest.raises(GitError):
            writer.commit_tree([base], {"b": KnownFile(blob)}, message="m", author=ADA)

    def test_is_the_same_each_time_and_moves_nothing(self, seed: Seed, writer: Writer) -> None:
        base = seed.commit({"a": "1"})
        made = [writer.commit_tree([base], {"a": b"2"}, message="m", author=ADA) for _ in range(2)]
        assert made[0] == made[1] != base
        assert seed.git("rev-parse", "refs/heads/main") == base
        assert not (seed.path / "index").exists()

    def test_the_first_commit_has_no_parent(self, seed: Seed, writer: Writer) -> None:
        made = writer.commit_tree([], {"a": b"1"}, message="m", author=ADA)
        assert seed.git("log", "--format=%P", made) == ""

    @pytest.mark.parametrize(
        "path", ["../x", "/x", ".git/config", "a//b", "a/../b", "", "l", "l/x", "a/x", "d"]
    )
    def test_a_path_that_leaves_the_tree_or_is_no_file_is_refused(
        self, seed: Seed, writer: Writer, path: str
    ) -> None:
        base = seed.commit({"a": "1", "d/x": "1", "l": link("/etc/passwd")})
        code = code_of(lambda: writer.commit_tree([base], {path: b"x"}, message="m", author=ADA))
        assert code == "GIT_PATH_REFUSED"

    def test_what_is_not_there_cannot_be_removed(self, seed: Seed, writer: Writer) -> None:
        base = seed.commit({"a": "1"})
        remove = lambda: writer.commit_tree([base], {"b": None}, message="m", author=ADA)  # noqa: E731
        assert code_of(remove) == "GIT_PATH_MISSING"


class TestMerge:
    def test_has_both_changes_and_both_parents(self, seed: Seed, writer: Writer) -> None:
        base = seed.commit({"a": "1\n", "b": "1\n"})
        ours = seed.commit({"a": "2\n"})
        theirs = seed.commit({"b": "2\n"}, branch="side", parents=[base])
        made = writer.merge_commit(ours, theirs, message="Merge side", author=ADA)
        assert seed.git("log", "-1", "--format=%P", made) == f"{ours} {theirs}"
        assert (writer.read(made, "a"), writer.read(made, "b")) == (b"2\n", b"2\n")
        assert writer.merge_commit(ours, theirs, message="Merge side", author=ADA) == made

    def test_lines_both_sides_changed_are_a_conflict(self, seed: Seed, writer: Writer) -> None:
        base = seed.commit({"a b": "1\n"})
        ours = seed.commit({"a b": "2\n"})
        theirs = seed.commit({"a b": "3\n"}, branch="side", parents=[base])
        with pytest.raises(GitError, match="a b") as caught:
            writer.merge_commit(ours, theirs, message="m", author=ADA)
        assert (caught.value.code, caught.value.permanent) == ("GIT_CONFLICT", True)
        assert writer.find_conflicts(ours, theirs) == ["a b"]

    def test_what_conflicts_is_named_path_by_path_and_a_removal_is_one(
        self, seed: Seed, writer: Writer
    ) -> None:
        base = seed.commit({"ä": "1\n", "gone": "1\n", "clean": "1\n"})
        ours = seed.commit({"ä": "2\n", "gone": None, "clean": "2\n"})
        theirs = seed.commit({"ä": "3\n", "gone": "3\n"}, branch="side", parents=[base])
        assert writer.find_conflicts(ours, theirs) == ["gone", "ä"]
        assert writer.find_conflicts(ours, base) == []
