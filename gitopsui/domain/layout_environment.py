"""Which environment something that is declared belongs to, from everything its author wrote down."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.layout_contents import Contents
from gitopsui.domain.layout_files import Document, parent_of
from gitopsui.domain.layout_helm import stem_of
from gitopsui.domain.layout_names import confirms, is_environment, split_environment
from gitopsui.domain.layout_proposal import DEFAULT_ENVIRONMENT
from gitopsui.domain.tree import mapping, text

_KEYS = ("environment", "env", "envname", "env_name", "environmentname", "stage", "phase", "tier")
_IN_CLUSTER = {"", "in-cluster", "https://kubernetes.default.svc", "kubernetes.default.svc", "local"}


@dataclass(frozen=True, slots=True)
class Clues:
    """
    What may tell the environment of one declared application. `folder` is what it deploys, "" where
    that is not here; `peers` are the names of the others.
    """

    document: Document
    name: str
    folder: str
    peers: Collection[str]
    values_files: Sequence[str] = ()
    namespace: str = ""
    cluster: str = ""
    branch: str = ""
    parameters: Mapping[str, Any] | None = None
    inherited: str = ""


def choose_environment(clues: Clues, contents: Contents) -> str:
    """The first environment a clue names, from what it deploys to where it is written down."""
    return next((name for name in _named(clues, contents) if name), DEFAULT_ENVIRONMENT)


def _named(clues: Clues, contents: Contents) -> Iterator[str]:
    deployed = contents.place(clues.folder) if clues.folder else None
    written = contents.place(clues.document.context or clues.document.folder)
    yield _keyed(clues.parameters or {})
    yield deployed.environment if deployed and deployed.is_word else ""
    yield from (_of_values(path, contents) for path in reversed(clues.values_files))
    yield clues.inherited
    yield _keyed(mapping(mapping(clues.document.body.get("metadata")).get("labels")))
    yield _part(clues.name, clues.peers)
    yield written.environment if written.is_word else ""
    yield _part(clues.document.path.rpartition("/")[2].rpartition(".")[0], ())
    yield _part(clues.namespace, ())
    yield _part(cluster_name(clues.cluster), ())
    yield _whole(clues.branch.rpartition("/")[2])
    # A folder in `overlays` may be called anything: what nothing else is called is no environment.
    yield deployed.environment if deployed and contents.is_shared(deployed.environment) else ""
    yield written.environment
    yield cluster_name(clues.cluster)


def _keyed(values: Mapping[Any, Any]) -> str:
    """The value under a key that says environment, such as `env` or `example.com/environment`."""
    for key, value in values.items():
        if (
            isinstance(key, str)
            and key.rpartition("/")[2].rpartition(".")[2].lower() in _KEYS
            and text(value)
        ):
            return "" if "{{" in text(value) else text(value)[:100]
    return ""


def _of_values(path: str, contents: Contents) -> str:
    """The environment of a values file: its own name says it, or the folder it lies in."""
    place = contents.place(parent_of(path))
    return _whole(stem_of(path, "")) or (place.environment if place.is_word else "")


def _whole(name: str) -> str:
    return name if is_environment(name) else split_if_sure(name)


def _part(name: str, peers: Iterable[str]) -> str:
    split = split_environment(name)
    is_sure = split.is_strong if split.is_whole else confirms(split, peers)
    return split.environment if split.environment and is_sure else ""


def split_if_sure(name: str) -> str:
    """The environment at the end of a name, where its word leaves no doubt; "" else."""
    split = split_environment(name)
    return split.environment if split.is_strong and split.is_suffix else ""


def cluster_name(cluster: str) -> str:
    """The name of a cluster; "" for an address and for the cluster that Argo CD itself runs in."""
    return "" if cluster in _IN_CLUSTER or "://" in cluster else cluster
