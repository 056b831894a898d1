"""
A very small GitOps controller for the demo: what Git asks for is applied to the stand-in clusters.

Dev and staging heal themselves. Production does not: it is applied only when Git asks for something else
than before, so that what somebody changed by hand stays to be seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from apps.demo.cluster_client import PLURALS, Cluster
from apps.demo.config_files import NAMESPACES
from apps.demo.config_repository import ConfigRepository
from apps.demo.releases import COMPONENTS, environments_of
from gitopsui.adapters.render import Renderer, RenderSource
from gitopsui.adapters.render_source import HELM, KUSTOMIZE, PLAIN
from gitopsui.domain.errors import SourceError
from gitopsui.domain.owner import TRACKING_ID
from gitopsui.domain.resource import Manifest

MANAGER = "gitops-reconciler"
FLUX_NAMESPACE = "flux-system"
NONPROD, PROD, UK = "stand-in-nonprod", "stand-in-prod", "stand-in-uk"
CLUSTER_OF: Mapping[str, str] = {
    "dev": NONPROD,
    "staging": NONPROD,
    "production": PROD,
    "production-uk": UK,
}
_PRUNED = [(version, kind) for version, kind in PLURALS if kind != "Namespace"]


@dataclass(frozen=True, slots=True)
class Application:
    """One component in one environment, as the controller knows it."""

    component: str
    environment: str

    @property
    def name(self) -> str:
        """What its objects are marked with."""
        return f"shop-{self.component}-{self.environment}"

    @property
    def namespace(self) -> str:
        return NAMESPACES[self.environment]

    @property
    def cluster(self) -> str:
        return CLUSTER_OF[self.environment]

    @property
    def heals_itself(self) -> bool:
        return self.cluster == NONPROD

    @property
    def is_flux(self) -> bool:
        """Whether it is said to be Flux that applies it; else it is Argo CD."""
        return self.environment == "staging"

    @property
    def source(self) -> RenderSource:
        folder = f"apps/{self.component}"
        if self.component == "catalog":
            return RenderSource(PLAIN, f"{folder}/{self.environment}")
        if self.component == "pricing":
            values = (f"{folder}/values-{self.environment}.yaml",)
            return RenderSource(HELM, folder, values, release_name="pricing", namespace=self.namespace)
        return RenderSource(KUSTOMIZE, f"{folder}/overlays/{self.environment}")


APPLICATIONS: tuple[Application, ...] = tuple(
    Application(component, environment)
    for component in COMPONENTS
    for environment in environments_of(component)
)


@dataclass(frozen=True, slots=True)
class _Rendered:
    """What an application was rendered to at the commit `head`; equal `inputs` give equal manifests."""

    head: str
    inputs: str
    manifests: tuple[Manifest, ...]


class Reconciler:
    """
    Brings clusters (by name) to what the config repository asks for. What was applied last is remembered
    in the file `memory`, so that a restart does not undo drift. `problems` are by name of application; what
    is `paused` is left alone.
    """

    def __init__(
        self,
        config: ConfigRepository,
        renderer: Renderer,
        clusters: Mapping[str, Cluster],
        memory: Path,
    ) -> None:
        self.problems: dict[str, str] = {}
        self.paused: frozenset[Application] = frozenset()
        self.followed = ""  # a commit to stay at; "" follows the last one
        self._config = config
        self._renderer = renderer
        self._clusters = clusters
        self._memory = memory
        self._applied: dict[str, str] = json.loads(memory.read_text()) if memory.exists() else {}
        self._rendered: dict[str, _Rendered] = {}

    def head(self) -> str:
        """The commit that clusters are brought to."""
        return self.followed or self._config.head()

    def reconcile(self, *, should_stop: Callable[[], bool] = lambda: False) -> None:
        """One pass over all applications; one that fails is tried again with the next pass."""
        head = self.head()
        for application in APPLICATIONS:
            if should_stop():
                return
            if application in self.paused:
                continue
            try:
                self._reconcile(application, head)
                self.problems.pop(application.name, None)
            except SourceError as error:
                self.problems[application.name] = error.message

    def desired(self, application: Application) -> tuple[Manifest, ...]:
        """What Git asks for now, marked as ours. Raises RenderError and GitError."""
        return self._render(application, self.head())

    def sync(self, application: Application) -> None:
        """Apply and prune now, even where nothing changed in Git. Raises SourceError."""
        manifests = self.desired(application)
        self.apply(application, manifests)
        self._remember(application, _digest(manifests))

    def apply(self, application: Application, manifests: Sequence[Manifest]) -> None:
        """Apply these and delete what the application had beside them. Raises ClusterError."""
        cluster = self._clusters[application.cluster]
        for manifest in manifests:
            cluster.apply(manifest, manager=MANAGER)
        wanted = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests}
        for api_version, kind in _PRUNED:
            for item in cluster.list(api_version, kind, application.namespace):
                name = item["metadata"]["name"]
                if _is_marked(item, application) and (kind, name) not in wanted:
                    cluster.delete(api_version, kind, application.namespace, name)

    def _reconcile(self, application: Application, head: str) -> None:
        manifests = self._render(application, head)
        digest = _digest(manifests)
        if application.heals_itself or self._applied.get(application.name) != digest:
            self.apply(application, manifests)
            self._remember(application, digest)

    def _render(self, application: Application, head: str) -> tuple[Manifest, ...]:
        before = self._rendered.get(application.name)
        if before is not None and before.head == head:
            return before.manifests
        inputs = self._renderer.inputs_digest(self._config.tree, head, application.source)
        if before is not None and before.inputs == inputs:
            manifests = before.manifests
        else:
            found = self._renderer.render(self._config.tree, head, application.source).manifests
            manifests = tuple(sorted((_marked(item, application) for item in found), key=_rank))
        self._rendered[application.name] = _Rendered(head, inputs, manifests)
        return manifests

    def _remember(self, application: Application, digest: str) -> None:
        if self._applied.get(application.name) != digest:
            self._applied[application.name] = digest
            part = self._memory.with_name(f"{self._memory.name}.part")
            part.write_text(json.dumps(self._applied, indent=2, sort_keys=True))
            part.replace(self._memory)


def _marked(manifest: Manifest, application: Application) -> Manifest:
    """A copy with the mark of its tool; Argo CD writes `<application>:<group>/<kind>:<namespace>/<name>`."""
    marked = deepcopy(manifest)
    metadata = marked["metadata"]
    metadata.setdefault("namespace", application.namespace)
    if application.is_flux:
        metadata["labels"] = {**(metadata.get("labels") or {}), **_flux_labels(application)}
        return marked
    group = marked["apiVersion"].rpartition("/")[0]
    place = f"{group}/{marked['kind']}:{metadata['namespace']}/{metadata['name']}"
    metadata.setdefault("annotations", {})[TRACKING_ID] = f"{application.name}:{place}"
    return marked


def _flux_labels(application: Application) -> dict[str, str]:
    tool = "helm" if application.source.renderer == HELM else "kustomize"
    group = f"{tool}.toolkit.fluxcd.io"
    return {f"{group}/name": application.name, f"{group}/namespace": FLUX_NAMESPACE}


def _is_marked(manifest: Manifest, application: Application) -> bool:
    if application.is_flux:
        return _flux_labels(application).items() <= (manifest["metadata"].get("labels") or {}).items()
    annotations = manifest["metadata"].get("annotations") or {}
    return str(annotations.get(TRACKING_ID, "")).startswith(f"{application.name}:")


def _rank(manifest: Manifest) -> int:
    kinds = list(PLURALS)
    return kinds.index((manifest["apiVersion"], manifest["kind"]))


def _digest(manifests: Sequence[Manifest]) -> str:
    return hashlib.sha256(json.dumps(manifests, sort_keys=True).encode()).hexdigest()
