"""What the pages of clusters read, shaped as their templates show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from apps.environments.models import Cluster

_CLUSTER_WORDS = {
    "paused": "Paused", "failed": "Silent", "never": "Not asked yet", "ok": "Answers",
}  # fmt: skip


def cluster_row(cluster: Cluster) -> dict[str, Any]:
    state = cluster_state(cluster)
    return {
        "pk": cluster.pk,
        "name": cluster.name,
        "url": reverse("cluster-detail", args=[cluster.pk]),
        "server": cluster.server,
        "state": state,
        "state_text": _CLUSTER_WORDS[state],
        "version": cluster.version,
        "checked_at": cluster.checked_at,
        "failed_at": cluster.failed_at,
        "error": cluster.error,
        "error_hint": cluster.error_hint,
        "is_standin": cluster.is_standin,
        "is_insecure": cluster.is_insecure,
    }


def cluster_state(cluster: Cluster) -> str:
    if cluster.is_paused:
        return "paused"
    if cluster.failed_at is not None:
        return "failed"
    return "ok" if cluster.checked_at else "never"


def cluster_context(cluster: Cluster) -> dict[str, Any]:
    """Everything the page of a cluster shows."""
    listings = list(cluster.kinds.all())
    applications = cluster.applications.select_related("component", "environment")[:200]
    namespaces = sorted({listing.namespace for listing in listings if listing.namespace})
    set_at = cluster.credential_set_at
    return {
        "cluster": cluster_row(cluster) | {"namespaces": namespaces, "kinds": _kinds(listings, cluster)},
        "applications": [
            {"name": str(one), "url": reverse("application-detail", args=[one.pk])} for one in applications
        ],
        "credential_text": "the account of the pod"
        if cluster.is_in_cluster
        else (f"set on {set_at:%Y-%m-%d}" if set_at else "none"),
    }


_KIND_STATES = {"KIND_FORBIDDEN": "forbidden", "KIND_UNKNOWN": "unknown"}


def _kinds(listings: Sequence[Any], cluster: Cluster) -> list[dict[str, Any]]:
    is_silent = cluster.failed_at is not None
    return [
        {
            "label": f"{row.group}/{row.kind}".lstrip("/")
            + (f" in {row.namespace}" if row.namespace else ""),
            "state": _KIND_STATES.get(row.error_code, "stale" if row.error or is_silent else "fresh"),
            "complete_at": row.complete_at,
            "error": row.error,
            "count": row.object_count if row.complete_at else None,
        }
        for row in listings
    ]
