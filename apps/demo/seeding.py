"""Bring the stand-in clusters to where a year of deployments would have brought them, in a moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from apps.demo.cluster_client import Cluster
from apps.demo.reconciler import APPLICATIONS, MANAGER, Application, Reconciler
from apps.demo.releases import RELEASES, image_tag
from apps.demo.story import EDITOR, container_patch
from gitopsui.domain.errors import RenderError
from gitopsui.domain.resource import Manifest

# A roll-out of the stand-in is over after at most so many looks of its controllers, so far apart.
LOOKS = 10
PAUSE_BETWEEN_LOOKS = timedelta(seconds=6)
PAUSED_FOR = timedelta(days=0.9)
_PAUSE = '"paused": true, '
SCALER = "kube-controller-manager"


class Past(Protocol):
    """Clusters whose time can be set, and whose controllers look when they are told to."""

    def set_time(self, at: datetime) -> None: ...

    def look(self, cluster: str) -> bool:
        """Let the controllers of one cluster act once; False where there was nothing to do."""


@dataclass(frozen=True, slots=True)
class _Event:
    at: datetime
    cluster: str
    play: Callable[[], None]


def seed_clusters(
    past: Past, clusters: Mapping[str, Cluster], reconciler: Reconciler, *, now: datetime
) -> None:
    """
    Replay the first, the last but one and the last deployment of each application, and what was edited by
    hand since, each at its time. What cannot be rendered here (a tool is missing) is left out.
    """
    events: list[_Event] = []
    for application in APPLICATIONS:
        found = list(_deployments(application, clusters, reconciler, now))
        events += found
        if found:
            edits = [edit for edit in _EDITS if edit.application == application]
            events += [_plan_edit(edit, clusters[application.cluster], now) for edit in edits]
    for name, cluster in clusters.items():
        for namespace in sorted({a.namespace for a in APPLICATIONS if a.cluster == name}):
            past.set_time(now - timedelta(days=365))
            cluster.apply(_namespace(namespace), manager=MANAGER)
    for event in sorted(events, key=lambda event: event.at):
        past.set_time(event.at)
        event.play()
        _settle(past, event.cluster, event.at)
    for name in clusters:
        _settle(past, name, now - LOOKS * PAUSE_BETWEEN_LOOKS)


def _settle(past: Past, cluster: str, at: datetime) -> None:
    for number in range(1, LOOKS + 1):
        past.set_time(at + number * PAUSE_BETWEEN_LOOKS)
        if not past.look(cluster):
            return


def _namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _deployments(
    application: Application, clusters: Mapping[str, Cluster], reconciler: Reconciler, now: datetime
) -> Iterator[_Event]:
    try:
        manifests = reconciler.desired(application)
    except RenderError:
        return
    deployed = [
        (at, image_tag(release.version))
        for release in RELEASES[application.component]
        if (at := release.reached_at(application.environment, now)) is not None
    ]
    cluster, last = clusters[application.cluster], deployed[-1][1]
    for at, version in dict.fromkeys((deployed[0], deployed[-2])):
        earlier = _as_of(manifests, last, version)
        yield _Event(at, application.cluster, lambda earlier=earlier: _apply(cluster, earlier))  # type: ignore[misc]
    yield _Event(deployed[-1][0], application.cluster, lambda: _apply(cluster, _as_of(manifests, last, last)))
    # Where a roll-out is paused, that came after it.
    is_paused = _PAUSE in json.dumps(manifests)
    at = now - PAUSED_FOR if is_paused else deployed[-1][0]
    yield _Event(at, application.cluster, lambda: reconciler.sync(application))


def _as_of(manifests: Sequence[Manifest], last: str, version: str) -> list[Manifest]:
    """The manifests with another version, and without a pause."""
    text = json.dumps(manifests).replace(last, version).replace(_PAUSE, "")
    found: list[Manifest] = json.loads(text)
    return found


def _apply(cluster: Cluster, manifests: Sequence[Manifest]) -> None:
    for manifest in manifests:
        cluster.apply(manifest, manager=MANAGER)
        if manifest["kind"] == "HorizontalPodAutoscaler":
            name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
            replicas = {"spec": {"replicas": manifest["spec"]["minReplicas"]}}
            cluster.edit("apps/v1", "Deployment/scale", namespace, name, replicas, manager=SCALER)


@dataclass(frozen=True, slots=True)
class _Edit:
    ago: timedelta
    application: Application
    api_version: str
    kind: str
    name: str
    patch: Manifest
    manager: str = EDITOR


_CATALOG, _CHECKOUT = Application("catalog", "production"), Application("checkout", "production")
# What people changed in production and nobody put back: three fields of checkout, one of catalog, and one
# in the United Kingdom, where it is meant to stay for now.
_EDITS = (
    _Edit(
        timedelta(days=2.2),
        Application("catalog", "production-uk"),
        "apps/v1",
        "Deployment",
        "catalog",
        {"spec": {"replicas": 1}},
    ),
    _Edit(timedelta(hours=26), _CATALOG, "v1", "ConfigMap", "catalog-config", {"data": {"CACHE_TTL": "15s"}}),
    _Edit(
        timedelta(hours=2),
        _CHECKOUT,
        "apps/v1",
        "Deployment",
        "checkout",
        container_patch(
            "checkout",
            env=[{"name": "LOG_LEVEL", "value": "debug"}],
            resources={"limits": {"memory": "1Gi"}},
        ),
    ),
    _Edit(
        timedelta(minutes=35),
        _CHECKOUT,
        "v1",
        "ConfigMap",
        "checkout-flags",
        {"data": {"express_pay_countries": "DE,AT,CH,NL"}},
        "kubectl-patch",
    ),
)


def _plan_edit(edit: _Edit, cluster: Cluster, now: datetime) -> _Event:
    namespace = edit.application.namespace

    def play() -> None:
        cluster.edit(edit.api_version, edit.kind, namespace, edit.name, edit.patch, manager=edit.manager)

    return _Event(now - edit.ago, edit.application.cluster, play)
