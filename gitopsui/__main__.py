"""
Release notes of any local repository, without Django and without a database.

    python -m gitopsui notes PATH FROM..TO [--format md|json|html]
    python -m gitopsui notes PATH --all    [--format md|json|html]
"""

# What only one of the commands or formats needs is loaded by it: starting takes longer than one release.
from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitopsui.adapters import git_place
from gitopsui.domain.errors import GitError

if TYPE_CHECKING:
    from gitopsui.adapters.git_output import Ref
    from gitopsui.adapters.git_repository import Repository
    from gitopsui.domain.changelog import ReleaseCommits
    from gitopsui.domain.commit import Commit, ParsedMessage
    from gitopsui.domain.notes import Notes
    from gitopsui.domain.tag import Tag
_NO_LIMIT = sys.maxsize
_WORTH_A_PROCESS = 1_000  # commits; fewer are told faster than a process is made
# Commits; of fewer at once Git prints them more slowly than they are read.
_SHORT_PORTION = 64
_ANCESTOR = re.compile(r"(.+?)(?:~(\d{1,9})|\^)\Z")
_PLACES = ("refs/tags/", "refs/heads/", "refs/remotes/", "")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 1 where the repository or a revision cannot be read."""
    options = _build_parser().parse_args(arguments)
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        sys.stdout.writelines(_tell(options.path, options.range, _FORMATS[options.format]))
        sys.stdout.flush()
    except GitError as error:
        print(f"gitopsui: {error.message}", file=sys.stderr)
        return 1
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


def _tell(path: Path, text: str | None, form: _Format) -> Iterator[str]:
    """What is printed of the range `text`, or of the whole history where there is none."""
    git_dir = git_place.find_git_dir(path)
    if not git_place.is_git_dir(git_dir):
        raise _refused(f"{path} is not a Git repository.")
    if git_place.is_shallow(git_dir):
        # Git would list the commits it has, without a word about those that are missing.
        raise _refused("This clone is shallow, so its history has gaps; run git fetch --unshallow in it.")
    return _tell_history(git_dir, form) if text is None else _tell_range(git_dir, text, form)


def _tell_range(git_dir: Path, text: str, form: _Format) -> Iterator[str]:
    from gitopsui.adapters.git_repository import Repository
    from gitopsui.domain.notes import build_notes

    repository = Repository(git_dir)
    base, dots, head = text.partition("..")
    if not dots:
        raise _refused("Give a range, such as v1.0.0..v1.1.0.")
    head = head or "HEAD"
    exclude = _resolve(repository, base) if base else None
    commits = repository.log(_resolve(repository, head), exclude=exclude)
    notes = build_notes(commits, base=base, head=head)
    yield form.tell_one(_with_versions(repository, notes, commits, exclude))


def _with_versions(
    repository: Repository, notes: Notes, commits: Sequence[Commit], exclude: str | None
) -> Notes:
    """What breaks with the release that it came with; the tags are only read where something does."""
    from gitopsui.domain.introduced import needs_versions

    if not exclude or not needs_versions(notes):
        return notes
    from gitopsui.domain.changelog import pick_family
    from gitopsui.domain.introduced import find_first_releases, stand_in_line, with_versions

    tags = _tags_of(repository.refs())
    family = [(tag.version, tags[tag]) for tag in reversed(pick_family(tags)) if tag.version]
    above = {commit.sha: commit.parents for commit in commits}
    inside = [(version, sha) for version, sha in family if sha in above]
    base = next((version for version, sha in family if sha == exclude), None)
    if base is None or not stand_in_line(base, [one for one, _ in inside], [one for one, _ in family]):
        return notes
    releases = [(str(version), sha, bool(version.prerelease)) for version, sha in inside]
    beside = {parent for parents in above.values() for parent in parents} - above.keys()
    found = find_first_releases(releases, within=above, before=beside, parents=above.__getitem__)
    return with_versions(notes, {sha: found.get(sha, "") for sha in above})


def _tags_of(refs: Iterable[Ref]) -> dict[Tag, str]:
    """The tags that stand at commits, with the ids of these."""
    return {tag: ref.commit_sha for ref in refs if (tag := _read_tag(ref)) and ref.commit_sha}


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


def _tell_history(git_dir: Path, form: _Format) -> Iterator[str]:
    """The releases, told by two processes where that is worth it."""
    releases, messages = _read_releases(git_dir)

    from gitopsui.adapters.second_process import make_by_two
    from gitopsui.domain.changelog import build_release, find_firsts

    firsts = find_firsts(releases)

    def tell(release: ReleaseCommits) -> str:
        return form.tell(build_release(release, messages, firsts))

    is_long = sum(len(release.commits) for release in releases) >= _WORTH_A_PROCESS
    yield form.begin
    between = ""
    for text in make_by_two(releases, tell) if is_long else map(tell, releases):
        yield between
        yield text
        between = form.between
    yield form.end


def _read_releases(git_dir: Path) -> tuple[list[ReleaseCommits], dict[str, ParsedMessage]]:
    """The releases, on the default branch and beside it; what of their messages is parsed."""
    from gitopsui.adapters.git_walk import find_head, walking

    with walking(git_dir) as walk:
        # Git is on its way: this is the time to load what is needed then.
        from gitopsui.adapters import second_process  # noqa: F401 -- later no core would be idle
        from gitopsui.domain.changelog import children_first, pick_family, split_by_release

        # Before the commits, which wait in the pipe: behind them Git has ended, and a core would be idle.
        refs = walk.refs()
        head = find_head(git_dir, refs)
        tags = _tags_of(refs)
        tagged = {tag: tags[tag] for tag in pick_family(tags)}
        commits, messages = _read_history(walk.portions)
    return split_by_release(children_first(commits), tagged, head=head), messages


def _read_history(portions: Iterable[list[Commit]]) -> tuple[list[Commit], dict[str, ParsedMessage]]:
    """All commits, and what the messages of some say: of as many as there is time for while Git walks."""
    from gitopsui.domain.commit import parse_message

    commits: list[Commit] = []
    messages: dict[str, ParsedMessage] = {}
    for portion in portions:
        commits += portion
        if len(portion) < _SHORT_PORTION:
            for commit in commits[len(messages) : len(messages) + len(portion)]:
                messages[commit.sha] = parse_message(commit.message)
    return commits, messages


def _read_tag(ref: Ref) -> Tag | None:
    from gitopsui.adapters.git_output import RefKind
    from gitopsui.domain.tag import parse_tag

    return parse_tag(ref.short, date=ref.date) if ref.kind is RefKind.TAG else None


class _Format(NamedTuple):
    """How notes are written: those of one range, or of many releases one behind the other."""

    tell_one: Callable[[Notes], str]
    begin: str
    tell: Callable[[Notes], str]
    between: str
    end: str


def _to_markdown(notes: Notes) -> str:
    from gitopsui.domain.notes_text import to_markdown

    return to_markdown(notes, limit=_NO_LIMIT)


def _to_json(notes: Notes) -> str:
    import json

    from gitopsui.domain.notes_text import to_dict

    return json.dumps(to_dict(notes), ensure_ascii=False, indent=2) + "\n"


def _to_json_item(notes: Notes) -> str:
    return "\n  " + _to_json(notes).rstrip("\n").replace("\n", "\n  ")


def _to_html(notes: Notes) -> str:
    from gitopsui.domain.notes_text import to_html

    return to_html(notes)


def _to_page(notes: Notes) -> str:
    from html import escape

    return _PAGE.format(title=escape(notes.head)) + _to_html(notes) + "</html>\n"


_PAGE = '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
_FORMATS = {
    "md": _Format(_to_markdown, "# Changelog\n\n", _to_markdown, "\n", ""),
    "json": _Format(_to_json, "[", _to_json_item, ",", "\n]\n"),
    "html": _Format(_to_page, _PAGE.format(title="Changelog"), _to_html, "", "</html>\n"),
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
