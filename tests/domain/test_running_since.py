"""The age of what runs is the cluster's own word, and none where the cluster does not tell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.domain.running_since import running_since

IMAGE = "registry.example.org/cart"


def day(number: int) -> datetime:
    return datetime(2026, 11, number, 9, tzinfo=UTC)


def stamp(number: int) -> str:
    return day(number).strftime("%Y-%m-%dT%H:%M:%SZ")


def replica_set(version: str, created: int | None, revision: int | None = None, of: str = "d") -> Any:
    metadata: dict[str, Any] = {"name": f"cart-{version}", "ownerReferences": [{"uid": of}]}
    if created is not None:
        metadata["creationTimestamp"] = stamp(created)
    if revision is not None:
        metadata["annotations"] = {"deployment.kubernetes.io/revision": str(revision)}
    pod = {"spec": {"containers": [{"name": "c", "image": f"{IMAGE}:{version}"}]}}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": {"template": pod}}


def pod(version: str, started: int | None) -> Any:
    status = {"startTime": stamp(started)} if started is not None else {}
    spec = {"containers": [{"name": "c", "image": f"{IMAGE}:{version}"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("manifests", "since"),
    [
        ([replica_set("2", 9, 2), replica_set("1", 3, 1)], 9),
        # The same version rolled out again, for its configuration.
        ([replica_set("2", 12, 3), replica_set("2", 9, 2), replica_set("1", 3, 1)], 9),
        # Pods are replaced, the set that makes them stays.
        ([replica_set("2", 9, 2), pod("2", 15)], 9),
        # Without revisions the later creation counts as the later roll-out.
        ([replica_set("1", 3), replica_set("2", 9)], 9),
        # A roll-back takes the old set again: only its pods tell since when.
        ([replica_set("2", 5, 9), replica_set("3", 8, 8), pod("2", 10), pod("2", 11)], 10),
        # Two Deployments.
        ([replica_set("2", 9, 2), replica_set("2", 7, 1, of="e")], 7),
        # No sets: a StatefulSet, a DaemonSet.
        ([pod("2", 12), pod("2", 11), pod("1", 2)], 11),
        ([replica_set("1", 3, 1), pod("1", 3)], None),
        ([replica_set("2", None, 1)], None),
        ([pod("2", None)], None),
        ([], None),
    ],
)
def test_a_version_runs_since_its_first_set_or_pod(manifests: list[Any], since: int | None) -> None:
    assert running_since("2", manifests, image=IMAGE) == (None if since is None else day(since))


@given(
    st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_objects_of_any_shape_tell_nothing_and_raise_nothing(odd: Any) -> None:
    for kind in ("ReplicaSet", "Pod"):
        one: Any = {"kind": kind, "metadata": odd, "spec": odd, "status": odd}
        assert running_since("no such version", [one, odd]) is None
