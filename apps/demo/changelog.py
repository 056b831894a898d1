"""The CHANGELOG.md that one component of the demo keeps by hand, and once forgot to write into."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from apps.demo.releases import Release
from apps.demo.repositories import MAIN, NewCommit

KEPT_BY = "checkout"
# Released in a hurry at night: its tag has no entry, which the page of the changelog points out.
FORGOTTEN = "2.13.2"
FILE = "CHANGELOG.md"
HEAD = """\
# Changelog

All notable changes are told here, in the form of [Keep a Changelog](https://keepachangelog.com/en/1.1.0/).
"""
_HEADER = re.compile(r"(feat|fix)(?:\([^)]*\))?!?: (.+)")
_HEADINGS = {"feat": "Added", "fix": "Fixed"}


@dataclass(slots=True)
class Changelog:
    """`told` are the parts of the releases so far, the newest first; `open` is what no release tells yet."""

    component: str
    told: list[str] = field(default_factory=list)
    open: list[NewCommit] = field(default_factory=list)

    def note(self, commits: Sequence[NewCommit], release: Release, at: datetime) -> list[NewCommit]:
        """The commits of a release that is tagged `at`; the last plain one of them writes the file too."""
        if self.component != KEPT_BY:
            return list(commits)
        self.open += [commit for commit in commits if not commit.merges]
        top = ""
        if "-" in release.version:
            top = f"\n## [Unreleased]\n{_list(self.open)}"
        elif release.version != FORGOTTEN:
            self.told.insert(0, f"\n## [{release.version}] - {at:%Y-%m-%d}\n{_list(self.open)}")
            self.open = []
        else:
            self.open = []
        return _with_file(commits, "".join((HEAD, top, *self.told)))


def _with_file(commits: Sequence[NewCommit], text: str) -> list[NewCommit]:
    last = max(i for i, one in enumerate(commits) if one.branch == MAIN and not one.merges)
    files = {**commits[last].files, FILE: text}
    return [*commits[:last], replace(commits[last], files=files), *commits[last + 1 :]]


def _list(commits: Sequence[NewCommit]) -> str:
    """Features and fixes, as somebody would write them down."""
    found: dict[str, list[str]] = {}
    for commit in commits:
        match = _HEADER.match(commit.message)
        if match:
            found.setdefault(_HEADINGS[match[1]], []).append(f"- {match[2][:1].upper()}{match[2][1:]}\n")
    return "".join(f"\n### {heading}\n\n{''.join(found[heading])}" for heading in sorted(found))
