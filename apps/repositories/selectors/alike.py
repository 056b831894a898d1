"""The stored commits that may be the same change as others, found by what is remembered of each."""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce

from django.db.models import Count, Q

from apps.repositories.models import Repository
from apps.repositories.selectors.commits import commits_by_id, patch_ids_of
from gitopsui.domain.commit import Commit, parse_message
from gitopsui.domain.same_change import Key, KeyKind, keys_sought

# A number or a title that more commits have means none of them.
MOST_OF_A_KEY = 20
MOST_ALIKE = 300  # commits
WHOLE_IDS = (40, 64)  # digits


@dataclass(frozen=True, slots=True)
class Alike:
    """The commits asked for and those that may be the same, each once, with the patch-ids that are known."""

    commits: list[Commit] = field(default_factory=list)
    patch_ids: dict[str, str] = field(default_factory=dict)


def find_alike(repository: Repository, commits: Sequence[Commit]) -> Alike:
    """What `domain.same_change.find_twins` chooses from. Six queries, however long the history is."""
    if not commits:
        return Alike()
    asked = {commit.sha: commit for commit in commits}
    patch_ids = patch_ids_of(repository, asked)
    named = _with_keys(repository, {key for commit in commits for key in keys_sought(commit)})
    named |= _with_patch_or_id(repository, patch_ids.values(), _origins(commits))
    fresh = sorted(named - asked.keys())[:MOST_ALIKE]
    return Alike([*commits, *commits_by_id(repository, fresh)], patch_ids | patch_ids_of(repository, fresh))


def _with_keys(repository: Repository, keys: Iterable[Key]) -> set[str]:
    sought: dict[KeyKind, list[str]] = defaultdict(list)
    for kind, value in keys:
        sought[kind].append(value)
    picked = sought.pop(KeyKind.PICKED, [])
    rows, condition = repository.commit_keys, Q(kind=KeyKind.PICKED, value__in=picked)
    weak = [Q(kind=kind, value__in=values) for kind, values in sought.items()]
    if weak:
        counts = rows.filter(reduce(operator.or_, weak)).values_list("kind", "value")
        for kind, value, _ in counts.annotate(count=Count("pk")).filter(count__lte=MOST_OF_A_KEY):
            condition |= Q(kind=kind, value=value)
    return set(rows.filter(condition).values_list("sha", flat=True)[:MOST_ALIKE])


def _origins(commits: Sequence[Commit]) -> set[str]:
    """The ids these were picked from."""
    return {name.lower() for commit in commits for name in parse_message(commit.message).cherry_picks}


def _with_patch_or_id(repository: Repository, patch_ids: Iterable[str], names: set[str]) -> set[str]:
    # A shortened id as a range, which the index of the ids answers on every database.
    short = [Q(sha__gte=name, sha__lte=name + "g") for name in names if len(name) not in WHOLE_IDS]
    whole = Q(sha__in=[name for name in names if len(name) in WHOLE_IDS])
    condition = reduce(operator.or_, short, whole | Q(patch_id__in=set(patch_ids)))
    return set(repository.commits.filter(condition).values_list("sha", flat=True)[:MOST_ALIKE])
