"""Deployment records: which version ran from when to when, read from what was observed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

Source = Literal["git", "live"]


@dataclass(frozen=True, slots=True)
class Observation:
    """
    One look at an application: at `at` (aware) `source` said `version`.

    From Git: the version a config commit asks for, `sha` and `author` of that commit, `at` the time it
    was committed, or seen if that is earlier (a commit may claim any time). From the cluster: the
    version that runs; `sha` and `author` may be empty. An empty version says that nothing ran. What
    could not be read is no observation.
    """

    at: datetime
    version: str
    source: Source
    sha: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """
    `version` ran from `from_at` to `to_at`, or still does where that is None.

    `sha` and `author` are those of the config commit that asked for it, "" where none is known.
    `source` is "live" when a cluster was seen to run it, "git" when only Git says so.
    """

    version: str
    from_at: datetime
    to_at: datetime | None
    sha: str
    author: str
    source: Source = "git"


def deployments_of(observations: Iterable[Observation]) -> list[Deployment]:
    """
    The deployment records of one application, newest first; `observations` come in any order.

    Consecutive equal versions are one record, from the first time it was seen. Git speaks alone until
    the cluster was first looked at; from then on the cluster alone says what ran, and Git only which
    commit asked for it: a commit that was never rolled out makes no record.
    """
    # A stable sort: of observations at one moment the later in the list is the later one.
    ordered = sorted(observations, key=lambda observation: observation.at)
    asked = [observation for observation in ordered if observation.source == "git"]
    live = [observation for observation in ordered if observation.source == "live"]
    before = [observation for observation in asked if not live or observation.at < live[0].at]
    records: list[Deployment] = []
    is_running = False
    for seen in [*before, *_with_commits(live, asked)]:
        if is_running and seen.version == records[-1].version:
            records[-1] = _confirmed(records[-1], seen)
            continue
        if is_running:
            records[-1] = replace(records[-1], to_at=seen.at)
        is_running = bool(seen.version)
        if is_running:
            records.append(Deployment(seen.version, seen.at, None, seen.sha, seen.author, seen.source))
    return records[::-1]


def _confirmed(record: Deployment, seen: Observation) -> Deployment:
    """The record after its version was seen once more: it keeps the commit that first asked for it."""
    source: Source = "live" if "live" in (record.source, seen.source) else "git"
    if record.sha:
        return replace(record, source=source)
    return replace(record, source=source, sha=seen.sha, author=seen.author)


def _with_commits(live: Sequence[Observation], asked: Sequence[Observation]) -> Iterator[Observation]:
    """`live` with the commits that last began to ask for those versions, where one did before."""
    beginnings = [now for now, previous in zip(asked, [None, *asked], strict=False) if _begins(now, previous)]
    latest: dict[str, Observation] = {}
    position = 0
    for seen in live:
        while position < len(beginnings) and beginnings[position].at <= seen.at:
            latest[beginnings[position].version] = beginnings[position]
            position += 1
        commit = latest.get(seen.version)
        yield replace(seen, sha=commit.sha, author=commit.author) if commit and not seen.sha else seen


def _begins(observation: Observation, previous: Observation | None) -> bool:
    return previous is None or previous.version != observation.version
