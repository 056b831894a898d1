"""
Release notes of any local repository, without Django and without a database.

    python -m gitopsui notes PATH FROM..TO [--format md|json|html]
    python -m gitopsui notes PATH --all    [--format md|json|html]
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gitopsui.adapters.git_output import Ref, RefKind
from gitopsui.adapters.git_repository import Repository
from gitopsui.domain.commit import Commit
from gitopsui.domain.errors import GitError
from gitopsui.domain.notes import Notes, build_notes, to_dict, to_html, to_markdown

if TYPE_CHECKING:
    from gitopsui.domain.version import Tag

_NO_LIMIT = sys.maxsize
_ANCESTOR = re.compile(r"(.+?)(?:~(\d{1,9})|\^)\Z")
_PLACES = ("refs/tags/", "refs/heads/", "refs/remotes/", "")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 1 where the repository or a revision cannot be read."""
    options = _build_parser().parse_args(arguments)
    try:
        notes = _read_notes(options.path, options.range, is_whole=options.all)
    except GitError as error:
        print(f"gitopsui: {error.message}", file=sys.stderr)
        return 1
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        sys.stdout.writelines(_FORMATS[options.format](notes, options.all))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough; what is left in the buffer must not be flushed at exit.
        sys.stdout = None
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gitopsui", description="Release notes from Git.")
    commands = parser.add_subparsers(dest="command", required=True)
    notes = commands.add_parser("notes", help="what changed between two revisions")
    notes.add_argument("path", type=Path, metavar="PATH", help="a clone or a bare repository")
    what = notes.add_mutually_exclusive_group(required=True)
    what.add_argument("range", nargs="?", metavar="FROM..TO", help="tags, branches or commit ids")
    what.add_argument("--all", action="store_true", help="the whole history, newest release first")
    notes.add_argument("--format", choices=sorted(_FORMATS), default="md")
    return parser


def _read_notes(path: Path, text: str | None, *, is_whole: bool) -> list[Notes]:
    repository = Repository.at(path)
    if not repository.exists():
        raise _refused(f"{path} is not a Git repository.")
    if (repository.path / "shallow").exists():
        # Git would list the commits it has, without a word about those that are missing.
        raise _refused("This clone is shallow, so its history has gaps; run git fetch --unshallow in it.")
    if is_whole:
        return _read_changelog(repository)
    base, dots, head = (text or "").partition("..")
    if not dots:
        raise _refused("Give a range, such as v1.0.0..v1.1.0.")
    head = head or "HEAD"
    exclude = _resolve(repository, base) if base else None
    commits = repository.log(_resolve(repository, head), exclude=exclude)
    return [build_notes(commits, base=base, head=head)]


def _resolve(repository: Repository, name: str) -> str:
    """The commit a name stands for as people write it; a tag is meant before a branch of the same name."""
    ancestor = _ANCESTOR.match(name)
    if ancestor:
        count = int(ancestor[2] or 1) if ancestor[2] != "0" else 0
        line = repository.log(_resolve(repository, ancestor[1]), first_parent=True, limit=count + 1)
        if len(line) <= count:
            raise _refused(f"{ancestor[1]} has fewer than {count} ancestors.")
        return line[count].sha
    for place in _PLACES:
        try:
            return repository.resolve(place + name)
        except GitError as error:
            if error.code != "GIT_REF_MISSING":
                raise
    raise _refused(f"The repository has no tag, branch or commit {name}.")


def _refused(message: str) -> GitError:
    return GitError(message, code="GIT_REF_MISSING", permanent=True)


def _read_changelog(repository: Repository) -> list[Notes]:
    # What only one of the commands or formats needs is loaded by it: starting takes longer than one release.
    from gitopsui.domain.changelog import build_changelog, pick_family

    tags = {tag: ref.commit_sha for ref in repository.refs() if (tag := _read_tag(ref)) and ref.commit_sha}
    tagged = {tag: tags[tag] for tag in pick_family(tags)}
    return build_changelog(_read_history(repository, tagged.values()), tagged)


def _read_tag(ref: Ref) -> Tag | None:
    from gitopsui.domain.version import parse_tag

    return parse_tag(ref.short, date=ref.date) if ref.kind is RefKind.TAG else None


def _read_history(repository: Repository, tips: Iterable[str]) -> list[Commit]:
    """All commits of the default branch and of the releases beside it, children before parents."""
    return repository.log("HEAD", also=sorted(set(tips)))


def _write_markdown(notes: list[Notes], is_whole: bool) -> Iterator[str]:
    if is_whole:
        yield "# Changelog\n\n"
    for index, each in enumerate(notes):
        yield ("\n" if index else "") + to_markdown(each, limit=_NO_LIMIT)


def _write_json(notes: list[Notes], is_whole: bool) -> Iterator[str]:
    """One object for a range, a list of them for the whole history."""
    import json

    # One after the other: as one value, the plain data of a long history takes more memory than its notes.
    found = (json.dumps(to_dict(each), ensure_ascii=False, indent=2) for each in notes)
    if not is_whole:
        yield next(found) + "\n"
        return
    for index, each in enumerate(found):
        yield ("," if index else "[") + "\n  " + each.replace("\n", "\n  ")
    yield "\n]\n" if notes else "[]\n"


def _write_html(notes: list[Notes], is_whole: bool) -> Iterator[str]:
    from html import escape

    title = "Changelog" if is_whole else escape(notes[0].head)
    yield f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
    yield from map(to_html, notes)
    yield "</html>\n"


_FORMATS: dict[str, Callable[[list[Notes], bool], Iterator[str]]] = {
    "md": _write_markdown,
    "json": _write_json,
    "html": _write_html,
}

if __name__ == "__main__":
    # A short life: everything that is made stays until the end, so there is nothing to search for cycles.
    gc.disable()
    status = main()
    if sys.stdout is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        # All is written; taking every object apart again would cost as much as reading a release.
        os._exit(status)
    sys.exit(status)
