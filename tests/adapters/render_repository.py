"""Real Git repositories with the files a test asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gitopsui.adapters import process
from gitopsui.adapters.git_repository import Repository

DATA = Path(__file__).parents[1] / "data" / "render"
IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"), ("DATE", "2026-01-01T00:00:00Z"))
}


@dataclass(frozen=True)
class Link:
    """A symbolic link to commit."""

    target: str


class Commits:
    """A repository whose commits are written as the files they hold."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._git("init", "--quiet", "--initial-branch=main")
        self.repository = Repository.at(folder)

    def add(self, files: Mapping[str, str | bytes | Link]) -> str:
        """Commit the files on top of those committed before; the id of the commit."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Link):
                path.symlink_to(content.target)
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message=Change")
        return self.repository.resolve("HEAD")

    def add_data(self, *names: str) -> str:
        """Commit folders of tests/data/render under their own names."""
        paths = [path for name in names for path in (DATA / name).rglob("*") if path.is_file()]
        return self.add({str(path.relative_to(DATA)): path.read_bytes() for path in paths})

    def add_submodule(self, path: str) -> str:
        """Commit an entry for a submodule at `path`, without one."""
        self._git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},{path}")
        self._git("commit", "--quiet", "--message=Change")
        return self.repository.resolve("HEAD")

    def _git(self, *arguments: str) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            **IDENTITY,
        }
        result = process.run(
            ["git", "-C", str(self.folder), *arguments],
            env=environment,
            timeout=timedelta(seconds=60),
            max_output=1 << 20,
        )
        assert result.returncode == 0, result.stderr
