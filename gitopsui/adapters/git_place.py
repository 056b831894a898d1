"""
Where on disk a repository is, told by its files alone.

https://git-scm.com/docs/gitrepository-layout
"""

from __future__ import annotations

from pathlib import Path


def find_git_dir(path: Path) -> Path:
    """The repository of a clone with or without files, or of another work tree of one, as people name it."""
    place = path.resolve()  # Git is started elsewhere
    inside = place / ".git"
    if inside.is_file():
        # Another work tree says where its repository is.
        return place / inside.read_text(errors="replace").removeprefix("gitdir:").strip()
    return inside if inside.exists() else place


def is_git_dir(path: Path) -> bool:
    return (path / "HEAD").is_file() and (_shared_dir(path) / "objects").is_dir()


def is_shallow(git_dir: Path) -> bool:
    """Whether a part of the history is missing on purpose: Git keeps in a file where it ends."""
    return (_shared_dir(git_dir) / "shallow").exists()


def read_branch(git_dir: Path) -> str:
    """The full name of the branch HEAD stands for, "" where it names a commit itself or nothing of use."""
    said, _, name = (git_dir / "HEAD").read_text(errors="replace").strip().partition(": ")
    return name if said == "ref" else ""


def _shared_dir(git_dir: Path) -> Path:
    """What all work trees of a repository have in common."""
    named = git_dir / "commondir"
    return git_dir / named.read_text(errors="replace").strip() if named.is_file() else git_dir
