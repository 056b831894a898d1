"""A release of the demo on a branch of its own: one fix comes from main, another one is only there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.demo.releases import Release
from apps.demo.repositories import MAIN, NewCommit, NewTag, Step


@dataclass(frozen=True, slots=True)
class Hotfix:
    """`release` mends `base` and is tagged `at`."""

    component: str
    release: Release
    base: Release
    at: datetime

    @property
    def branch(self) -> str:
        """`release/5.0`"""
        return f"release/{self.base.version.rpartition('.')[0]}"

    def begin_branch(self, *, at: datetime) -> NewCommit:
        """The first commit, which must follow the tag of the base."""
        text = f"Patches of {self.base.version} are built from this branch.\n"
        message = f"ci: build patches from {self.branch}"
        return NewCommit(at, "platform engineer", message, {"BRANCH.md": text}, self.branch, starts_at=MAIN)

    def write(self, history: Sequence[Step]) -> list[Step]:
        """The fix of `history` that is taken over, one that main never gets, and the tag."""
        picked = _last_fix(history, before=self.at - timedelta(hours=3))
        mark = f"(cherry picked from commit {{id:{picked.key}}})"
        message = f"{picked.message}\n\n{mark}"
        who, branch = f"{self.component} maintainer", self.branch
        own = "fix(search): answer with the last page while the index is away"
        files = {f"src/{self.component}/search.py": "FALLS_BACK = True\n"}
        return [
            NewCommit(self.at - timedelta(hours=2), who, message, dict(picked.files), branch),
            NewCommit(self.at - timedelta(hours=1), who, own, files, branch),
            NewTag(
                self.at,
                f"v{self.release.version}",
                f"{self.component} {self.release.version}\n",
                branch=branch,
            ),
        ]


def _last_fix(history: Sequence[Step], *, before: datetime) -> NewCommit:
    fixes = [
        step
        for step in history
        if isinstance(step, NewCommit) and step.key and step.at < before and step.message.startswith("fix(")
    ]
    return fixes[-1]
