"""Since when a version runs, as the objects of a cluster tell it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from gitopsui.domain.identity import Manifest
from gitopsui.domain.image import version_of
from gitopsui.domain.tree import mapping, objects, text

# https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#checking-rollout-history-of-a-deployment
_REVISION = "deployment.kubernetes.io/revision"


def running_since(version: str, manifests: Iterable[Manifest], *, image: str = "") -> datetime | None:
    """
    When the first of these ReplicaSets and Pods that run `version` began; None where none of them tells.

    A ReplicaSet counts from its creation, as long as only sets of the same version came after it: a roll-back
    takes an old one again and leaves its age. Where no set tells, the oldest Pod of the version does.
    """
    found = [one for one in manifests if isinstance(one, dict)]
    by_maker: dict[str, list[Manifest]] = defaultdict(list)
    for one in found:
        if one.get("kind") == "ReplicaSet":
            by_maker[_maker_of(one)].append(one)
    sets = [moment for sets in by_maker.values() if (moment := _of_sets(version, sets, image))]
    pods = [one for one in found if one.get("kind") == "Pod" and version_of([one], image=image) == version]
    return min(sets, default=None) or min(_starts(pods), default=None)


def _of_sets(version: str, sets: Sequence[Manifest], image: str) -> datetime | None:
    """Of the sets of one Deployment; None where the newest has another version, or came back."""
    newest_first = sorted(sets, key=_revision_of, reverse=True)
    versions = [version_of([one], image=image) for one in newest_first]
    run = next((i for i, other in enumerate(versions) if other != version), len(versions))
    began = [_moment(_metadata(one).get("creationTimestamp")) for one in newest_first]
    known = [moment for moment in began[:run] if moment]
    first = min(known, default=None)
    is_older = any(moment > first for moment in began[run:] if moment and first)
    return None if is_older or len(known) < run else first


def _starts(pods: Iterable[Manifest]) -> Iterator[datetime]:
    for pod in pods:
        moment = _moment(mapping(pod.get("status")).get("startTime"))
        if moment:
            yield moment


def _metadata(manifest: Manifest) -> Mapping[str, Any]:
    return mapping(manifest.get("metadata"))


def _maker_of(manifest: Manifest) -> str:
    references = objects(_metadata(manifest).get("ownerReferences"))
    return text(references[0].get("uid")) if references else text(_metadata(manifest).get("uid"))


def _revision_of(manifest: Manifest) -> tuple[int, str]:
    """Later roll-outs have higher ones; where none is written, the later creation stands for it."""
    metadata = _metadata(manifest)
    raw = text(mapping(metadata.get("annotations")).get(_REVISION))
    number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else 0
    return number, text(metadata.get("creationTimestamp"))


def _moment(raw: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text(raw))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
