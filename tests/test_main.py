"""The command line tells what changed in any local repository, and says so when it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitopsui.__main__ import main

DAY = "2026-03-{:02}T12:00:00+00:00"


class Clone:
    """A small repository with files, made by Git itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        self.count += 1
        identity = {
            f"GIT_{role}_{key}": value
            for role in ("AUTHOR", "COMMITTER")
            for key, value in (
                ("NAME", "Ada"),
                ("EMAIL", "ada@example.org"),
                ("DATE", DAY.format(self.count)),
            )
        }
        return subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={"PATH": os.environ["PATH"], "HOME": str(self.path), "GIT_CONFIG_NOSYSTEM": "1", **identity},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def commit(self, message: str) -> str:
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """v1.0.0 - v1.1.0 - one more on main; v1.0.1 beside them."""
    made = Clone(tmp_path / "shop")
    made.commit("feat: start")
    made.git("tag", "v1.0.0")
    made.git("branch", "release-1.0")
    made.commit("feat(cart): add coupons (#7)")
    made.git("tag", "-a", "-m", "release", "v1.1.0")
    made.commit("fix!: round up")
    made.git("checkout", "-q", "release-1.0")
    made.commit("fix: crash")
    made.git("tag", "v1.0.1")
    made.git("checkout", "-q", "main")
    return made


def test_a_range_of_tags_is_told_as_markdown(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notes", str(clone.path), "v1.0.0..v1.1.0"]) == 0

    out = capsys.readouterr().out
    assert out.startswith("## v1.1.0\n\nSince v1.0.0: 1 commit.\n\n### New\n\n- **cart:** add coupons (#7, ")


@pytest.mark.parametrize(
    "text",
    [
        "v1.1.0..main",
        "v1.1.0..HEAD",
        "v1.1.0..",
        "HEAD~1..HEAD",
        "main^..main",
        "refs/tags/v1.1.0..refs/heads/main",
    ],
)
def test_a_range_is_written_as_for_git(text: str, clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notes", str(clone.path), text, "--format", "json"]) == 0

    notes = json.loads(capsys.readouterr().out)
    assert [entry["text"] for section in notes["sections"] for entry in section["entries"]] == ["round up"]


def test_commit_ids_name_a_range_too(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = clone.git("rev-parse", "--short=9", "v1.0.0"), clone.git("rev-parse", "v1.1.0^{commit}")

    assert main(["notes", str(clone.path), f"{first}..{second}"]) == 0
    assert "add coupons" in capsys.readouterr().out


def test_a_tag_is_meant_before_a_branch_of_the_same_name(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.git("branch", "v1.1.0", "v1.0.0")

    main(["notes", str(clone.path), "v1.0.0..v1.1.0"])

    assert "add coupons" in capsys.readouterr().out


def test_what_breaks_is_told_with_the_release_inside_the_range_that_brought_it(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.git("tag", "v1.2.0")
    clone.commit("feat!: no more coupons")

    main(["notes", str(clone.path), "v1.0.0.."])

    out = capsys.readouterr().out
    assert "- no more coupons (" in out
    assert "- round up (since 1.2.0, " in out


def test_the_whole_history_is_one_changelog(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notes", str(clone.path), "--all"]) == 0

    out = capsys.readouterr().out
    headings = [line for line in out.splitlines() if line.startswith("#") and not line.startswith("###")]
    assert headings == ["# Changelog", "## Unreleased", "## v1.1.0", "## v1.0.1", "## v1.0.0"]
    for text in ("round up", "add coupons", "crash", "start"):
        assert out.count(text) == 1


def test_the_whole_history_is_a_list_in_json(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    main(["notes", str(clone.path), "--all", "--format", "json"])

    assert [notes["commit_count"] for notes in json.loads(capsys.readouterr().out)] == [1, 1, 1, 1]


def test_html_is_a_whole_page(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    main(["notes", str(clone.path), "v1.0.0..", "--format", "html"])

    out = capsys.readouterr().out
    assert out.startswith("<!doctype html>")
    assert "<strong>cart:</strong> add coupons" in out


def test_a_bare_repository_is_read_alike(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    clone.git("clone", "-q", "--bare", ".", "../bare.git")

    assert main(["notes", str(clone.path.parent / "bare.git"), "v1.0.0..v1.1.0"]) == 0
    assert "add coupons" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("v9..v1.0.0", "no tag, branch or commit v9"),
        ("v1.0.0..v9", "no tag, branch or commit v9"),
        ("v1.0.0", "Give a range"),
        ("HEAD~99..HEAD", "fewer than 99 ancestors"),
        ("v1.0.0..--output=x", "no tag, branch or commit --output=x"),
    ],
)
def test_a_range_that_cannot_be_read_is_refused_with_a_sentence(
    text: str, said: str, clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notes", str(clone.path), text]) == 1
    assert said in capsys.readouterr().err


def test_a_folder_without_a_repository_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notes", str(tmp_path), "--all"]) == 1
    assert "is not a Git repository" in capsys.readouterr().err


def test_a_shallow_clone_is_refused(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    clone.git("clone", "-q", "--depth", "1", f"file://{clone.path}", "../shallow")

    assert main(["notes", str(clone.path.parent / "shallow"), "HEAD~1..HEAD"]) == 1
    assert "shallow" in capsys.readouterr().err


@pytest.fixture
def long_clone(clone: Clone) -> Clone:
    """Twelve releases of 100 commits each, the clock of every seventh an hour slow."""
    lines = []
    for number in range(1200):
        slow = 3600 if number % 7 == 0 else 0
        who = f"Ada <ada@example.org> {1_700_000_000 + number * 60 - slow} +0000"
        text = f"fix: number {number:04} (#{number + 1})"
        lines += ["commit refs/heads/main", f"committer {who}", f"data {len(text)}", text]
        lines += ["from refs/heads/main^0"] if number == 0 else []
        if number % 100 == 99:
            lines += [f"reset refs/tags/v2.{number // 100}.0", "from refs/heads/main", ""]
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=clone.path, input="\n".join(lines), text=True, check=True
    )
    return clone


def run(clone: Clone, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As people start it, in the folder of the clone."""
    root = str(Path(__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-m", "gitopsui", "notes", ".", *arguments],
        cwd=clone.path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("form", ["md", "json", "html"])
def test_two_processes_tell_a_long_history_as_one_does(
    form: str, long_clone: Clone, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(long_clone, "--all", "--format", form)
    monkeypatch.delattr(os, "fork")
    main(["notes", str(long_clone.path), "--all", "--format", form])

    assert done.returncode == 0, done.stderr
    assert done.stdout == capsys.readouterr().out
    assert done.stdout.count("number ") == 1200


def test_commits_of_a_release_are_told_newest_first_whatever_their_clocks_said(long_clone: Clone) -> None:
    notes = json.loads(run(long_clone, "--all", "--format", "json").stdout)[0]

    [section] = notes["sections"]
    assert [entry["text"] for entry in section["entries"]] == [
        f"number {number:04}" for number in range(1199, 1099, -1)
    ]


def test_a_tag_that_nothing_else_holds_brings_no_commits(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.git("checkout", "-q", "--orphan", "elsewhere")
    clone.commit("feat: foreign")
    clone.git("tag", "nightly")
    clone.git("checkout", "-q", "main")

    main(["notes", str(clone.path), "--all"])

    assert "foreign" not in capsys.readouterr().out


def test_another_work_tree_of_a_clone_is_read_alike(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    clone.git("worktree", "add", "-q", "../beside", "v1.0.1")

    assert main(["notes", str(clone.path.parent / "beside"), "v1.0.0..HEAD"]) == 0
    assert "crash" in capsys.readouterr().out


def test_a_history_is_told_alike_from_a_branch_and_from_its_commit(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notes", str(clone.path), "--all"]) == 0
    told = capsys.readouterr().out
    clone.git("checkout", "-q", "--detach")
    assert main(["notes", str(clone.path), "--all"]) == 0
    assert capsys.readouterr().out == told
    assert "## Unreleased" in told

    clone.git("worktree", "add", "-q", "../older", "release-1.0")
    assert main(["notes", str(clone.path.parent / "older"), "--all"]) == 0
    assert "## Unreleased" not in capsys.readouterr().out


def test_a_clone_that_lacks_a_commit_starts_nothing_it_names(
    clone: Clone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marker, parent = tmp_path / "started", clone.git("rev-parse", "HEAD~1")
    (clone.path / ".git" / "objects" / parent[:2] / parent[2:]).unlink()
    settings = {
        "core.repositoryFormatVersion": "1", "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": "ssh://git@localhost/shop", "core.sshCommand": f"touch {marker}; false",
    }  # fmt: skip
    for name, value in settings.items():
        clone.git("config", name, value)

    assert main(["notes", str(clone.path), "--all"]) == 1
    assert not marker.exists()
    assert capsys.readouterr().err


def test_an_empty_repository_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Clone(tmp_path / "empty")

    assert main(["notes", str(tmp_path / "empty"), "--all"]) == 1
    assert capsys.readouterr().err.startswith("gitopsui: ")


@pytest.mark.parametrize("what", ["--all", "v1.0.0..v1.1.0"])
def test_without_git_a_sentence_says_so(
    what: str,
    clone: Clone,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["notes", str(clone.path), what]) == 1
    assert capsys.readouterr().err == "gitopsui: The program git is not installed.\n"


def test_the_command_runs_without_django(clone: Clone) -> None:
    program = (
        "import sys; from gitopsui.__main__ import main; "
        f"status = main(['notes', {str(clone.path)!r}, '--all']); "
        "sys.exit(status or any(name.split('.')[0] == 'django' for name in sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
