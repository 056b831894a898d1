"""Which commits of a repository that holds several components are those of one of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable, Sequence
from threading import Lock

from apps.environments.models import Component
from apps.releases.models import PathCommits
from gitopsui.domain.commit import Commit
from gitopsui.domain.merges import attribute_merges

# Sets kept in each process; one of 10,000 commits takes about 1.5 MB.
KEPT_SETS = 16


class OwnCommits(Container[str]):
    """The ids of the commits that touch the paths of a component; merges are none of them."""

    def __init__(self, ids: Iterable[bytes], digest: str) -> None:
        self._ids = frozenset(ids)
        self.digest = digest

    def __contains__(self, sha: object) -> bool:
        return isinstance(sha, str) and bytes.fromhex(sha) in self._ids

    def __len__(self) -> int:
        return len(self._ids)


class _Sets:
    """The sets used last, by component and the digest of what they were read for."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], OwnCommits] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[int, str]) -> OwnCommits | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: tuple[int, str], own: OwnCommits) -> None:
        with self._lock:
            self._kept[key] = own
            while len(self._kept) > KEPT_SETS:
                self._kept.popitem(last=False)


_SETS = _Sets()


def own_commits(component: Component) -> OwnCommits | None:
    """The commits of the component's paths; None for a component that is the whole repository."""
    rows = PathCommits.objects.filter(component=component)
    digest = rows.values_list("digest", flat=True).first()
    if digest is None:
        return None
    own = _SETS.get((component.pk, digest))
    if own is None:
        row = rows.get()
        ids, size = bytes(row.ids), row.id_bytes
        own = OwnCommits((ids[start : start + size] for start in range(0, len(ids), size)), row.digest)
        _SETS.put((component.pk, row.digest), own)
    return own


def keep_own(commits: Sequence[Commit], own: Container[str] | None) -> list[Commit]:
    """
    Those of `commits` that are the component's, in their order, and the merges that brought one of them.

    `commits` come children before parents; `own` None keeps all.
    """
    if own is None:
        return list(commits)
    kept = {commit.sha for commit in commits if len(commit.parents) < 2 and commit.sha in own}
    merges = attribute_merges(commits)
    kept |= {merge for sha in tuple(kept) for merge in merges.around(sha)}
    return [commit for commit in commits if commit.sha in kept]
