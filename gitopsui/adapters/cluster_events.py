"""
Events of a cluster, cut down while they come in: there may be a hundred for each object, and a page shows
the newest few. https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsui.domain.resource import GroupKind, Manifest

# Both names serve the same objects in two layouts.
EVENT_KINDS = frozenset({GroupKind("", "Event"), GroupKind("events.k8s.io", "Event")})
# Pages of 500. A namespace with more events than this has a trouble that its first ones tell as well.
MOST_PAGES = 20
MOST_PAGES_EVERYWHERE = 100
MESSAGE_CHARS = 1_000
_KEPT = ("type", "reason", "note", "message", "count", "deprecatedCount", "eventTime", "series")
_TIMES = ("lastTimestamp", "firstTimestamp", "deprecatedLastTimestamp")


def slim_event(event: Manifest) -> Manifest:
    """An event with what is said of it, when and of whom, and nothing else."""
    metadata, about = _mapping(event.get("metadata")), event.get("involvedObject") or event.get("regarding")
    kept: Manifest = {name: event[name] for name in (*_KEPT, *_TIMES) if name in event}
    for name in ("message", "note"):
        if isinstance(kept.get(name), str):
            kept[name] = kept[name][:MESSAGE_CHARS]
    return {
        "apiVersion": event.get("apiVersion"),
        "kind": event.get("kind"),
        "metadata": {
            name: metadata[name] for name in ("name", "namespace", "creationTimestamp") if name in metadata
        },
        "involvedObject": {"uid": _mapping(about).get("uid")},
        **kept,
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
