from __future__ import annotations

import os
import stat
import time
from datetime import timedelta
from pathlib import Path

import pytest

from gitopsui.adapters.git_output import EntryKind, TreeEntry
from gitopsui.adapters.render_inputs import Inputs
from gitopsui.adapters.render_sandbox import DEFAULT_LIMITS, RenderLimits, open_sandbox
from gitopsui.domain.errors import RenderError
from tests.adapters.render_binaries import require_tools
from tests.adapters.render_repository import Commits, Link

SHELL = "/bin/sh"


def run(scratch: Path, script: str, limits: RenderLimits = DEFAULT_LIMITS) -> str:
    with open_sandbox(scratch, limits) as sandbox:
        return sandbox.run([SHELL, "-c", script], cwd=sandbox.root, name="the tool").decode()


def refusal(scratch: Path, script: str, limits: RenderLimits = DEFAULT_LIMITS) -> RenderError:
    with pytest.raises(RenderError) as caught:
        run(scratch, script, limits)
    return caught.value


def test_the_folder_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with open_sandbox(tmp_path / "scratch") as sandbox:
        assert stat.S_IMODE(sandbox.root.stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "scratch").stat().st_mode) == 0o700
        kept = sandbox.root

    assert not kept.exists()


def test_what_a_killed_process_left_behind_is_removed(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in ("render-old", "render-young", "other"))
    for folder in (old, young, other):
        folder.mkdir()
        (folder / "x").write_text("x")
    yesterday = time.time() - 86_400
    for folder in (old, other):
        os.utime(folder, (yesterday, yesterday))

    with open_sandbox(tmp_path):
        assert not old.exists()
        assert young.exists()
        assert other.exists()


def test_a_tool_gets_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPSUI_SECRET_KEY", "hunter2")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")

    lines = run(tmp_path, "export -p").splitlines()

    names = {line.split()[1].partition("=")[0] for line in lines}
    assert not names & {"GITOPSUI_SECRET_KEY", "SSH_AUTH_SOCK", "USER"}
    assert {"HOME", "PATH", "GIT_ALLOW_PROTOCOL", "HELM_PLUGINS", "HTTPS_PROXY"} <= names
    assert not any("hunter2" in line for line in lines)


def test_a_tool_finds_no_program(tmp_path: Path) -> None:
    assert "git: not found" in refusal(tmp_path, "git clone x").message


def test_a_complaint_is_cut_and_names_neither_secrets_nor_places(tmp_path: Path) -> None:
    error = refusal(
        tmp_path, 'echo "Error: $HOME/../tree/a.yaml https://ada:hunter2@example.org" >&2; exit 1'
    )

    assert (error.code, error.permanent) == ("RENDER_FAILED", True)
    assert "hunter2" not in error.message
    long = refusal(tmp_path, "i=0; while [ $i -lt 900 ]; do echo 0123456789 >&2; i=$((i+1)); done; exit 1")
    assert len(long.message) < 1100


@pytest.mark.parametrize(
    ("limits", "script", "code"),
    [
        (RenderLimits(timeout=timedelta(seconds=1)), "exec /bin/sleep 600", "RENDER_TIMEOUT"),
        (RenderLimits(cpu_seconds=1, timeout=timedelta(hours=1)), "while :; do :; done", "RENDER_TIMEOUT"),
        (RenderLimits(output_bytes=1000), "while :; do echo x; done", "RENDER_TOO_LARGE"),
    ],
)
def test_a_tool_that_takes_too_much_is_ended(
    tmp_path: Path, limits: RenderLimits, script: str, code: str
) -> None:
    error = refusal(tmp_path, script, limits)

    assert (error.code, error.permanent) == (code, code == "RENDER_TOO_LARGE")


def test_inputs_over_the_limit_are_refused_before_they_are_written(tmp_path: Path) -> None:
    commits = Commits(tmp_path / "repository")
    entry = TreeEntry("100644", EntryKind.FILE, "0" * 40, "a/x", 40 << 20)

    with open_sandbox(tmp_path / "scratch") as sandbox, pytest.raises(RenderError) as caught:
        sandbox.write(commits.repository, Inputs({"a/x": entry}, copies=(("a", "b/charts/a"),)))

    assert caught.value.code == "RENDER_TOO_LARGE"


@pytest.mark.binary
def test_a_remote_base_that_got_this_far_is_not_fetched_either(tmp_path: Path) -> None:
    command = require_tools("kustomize").kustomize or ()
    verb = [] if command[1:] else ["build"]
    for reference in (
        "http://example.org/x.yaml",
        "https://example.org/repo.git",
        "git@example.org:org/repo",
    ):
        with open_sandbox(tmp_path / "scratch") as sandbox:
            (sandbox.root / "kustomization.yaml").write_text(f"resources: ['{reference}']\n")
            with pytest.raises(RenderError) as caught:
                sandbox.run([*command, *verb, "."], cwd=sandbox.root, name="kustomize")

        assert caught.value.code == "RENDER_FAILED"
        assert "proxyconnect" in caught.value.message or "executable file not found" in caught.value.message


def test_links_are_never_written(tmp_path: Path) -> None:
    commits = Commits(tmp_path / "repository")
    sha = commits.add({"a": Link("/etc/passwd"), "b": "text"})
    entries = {entry.path: entry for entry in commits.repository.tree(sha)}

    with open_sandbox(tmp_path / "scratch") as sandbox:
        sandbox.write(commits.repository, Inputs(entries))

        assert not any(path.is_symlink() for path in sandbox.tree.iterdir())
