"""Throw-away keys of GnuPG and ssh in the folder of a test, and tags and commits signed with them."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from gitopsui.adapters import process
from tests.adapters.git_http import ENV, Seed

TIMEOUT = timedelta(seconds=60)


def run(*argv: str, extra: dict[str, str] | None = None) -> str:
    result = process.run(list(argv), env={**ENV, **(extra or {})}, timeout=TIMEOUT, max_output=1 << 20)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout.decode()


@dataclass(frozen=True)
class Signer:
    """Somebody with a key: `options` of git and its environment sign with it; `public` is its public half."""

    options: tuple[str, ...]
    home: str
    public: str
    private: str

    def git(self, seed: Seed, *arguments: str) -> str:
        date = "2026-11-01T12:00:00+0000"
        extra = {"GNUPGHOME": self.home, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        extra |= {
            f"GIT_{who}_{what}": "dev@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        return run("git", f"--git-dir={seed.path}", *self.options, *arguments, extra=extra).strip()

    def tag(self, seed: Seed, name: str, sha: str) -> str:
        """A signed tag; the id of its object."""
        self.git(seed, "tag", "-f", "-s", "-m", f"release {name}", name, sha)
        return seed.git("rev-parse", f"refs/tags/{name}")

    def commit(self, seed: Seed, branch: str = "main") -> str:
        """A signed commit at the end of a branch."""
        parent = seed.git("rev-parse", f"refs/heads/{branch}")
        sha = self.git(seed, "commit-tree", "-S", "-p", parent, "-m", "feat: signed", f"{parent}^{{tree}}")
        seed.point(f"refs/heads/{branch}", sha)
        return sha


def make_gpg(
    folder: Path, name: str = "Release Robot <robot@example.org>", lasts: str = "2y", at: str = ""
) -> Signer:
    """
    A key of GnuPG, with a home of its own; no agent is left behind. `at` is when it is made and signs
    ("20250101T120000"), "" for the time it is.
    """
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    # The path of a socket is short, that of a test's folder is not.
    home = folder / "g"
    home.mkdir(mode=0o700, parents=True)
    gpg = (
        "gpg",
        "--homedir",
        str(home),
        "--batch",
        "--quiet",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
    )
    then = ("--faked-system-time", at) if at else ()
    run(*gpg, *then, "--quick-generate-key", name, "ed25519", "sign", lasts)
    public = run(*gpg, "--armor", "--export", name)
    private = run(*gpg, "--armor", "--export-secret-keys", name)
    program = folder / "gpg"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(["gpg", *then])} "$@"\n')
    program.chmod(0o755)
    options = ("-c", f"user.signingkey={name}", "-c", f"gpg.program={program}")
    return Signer(options, str(home), public, private)


def stop_agent(signer: Signer) -> None:
    run("gpgconf", "--homedir", signer.home, "--kill", "all")


def make_ssh(folder: Path, comment: str = "") -> Signer:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))
    options = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={path}")
    return Signer(options, str(folder), path.with_suffix(".pub").read_text(), path.read_text())


@pytest.fixture(scope="module")
def robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    made = make_gpg(tmp_path_factory.mktemp("robot"))
    yield made
    stop_agent(made)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return make_ssh(tmp_path_factory.mktemp("dev"))


def tamper(seed: Seed, name: str) -> str:
    """Another text under the same signature, and the tag moved to it; the id of the new object."""
    content = seed.git("cat-file", "tag", f"refs/tags/{name}") + "\n"
    sha = seed.raw("tag", content.replace(f"release {name}", f"RELEASE {name}").encode())
    seed.point(f"refs/tags/{name}", sha)
    return sha
