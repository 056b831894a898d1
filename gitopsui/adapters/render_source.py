"""What a render is asked for and what it gives, and the part of Git it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gitopsui.adapters.git_output import TreeEntry
from gitopsui.domain.errors import RenderError, UnreadableFile
from gitopsui.domain.resource import Manifest
from gitopsui.domain.volatile import VolatileField

PLAIN = "plain"
KUSTOMIZE = "kustomize"
HELM = "helm"


class Tree(Protocol):
    """The repository as a render reads it; `Mirror` is one."""

    path: Path

    def tree(self, commit: str, path: str = "") -> list[TreeEntry]: ...

    def blobs(self, shas: Iterable[str], *, max_bytes: int) -> dict[str, bytes]: ...


@dataclass(frozen=True, slots=True)
class RenderSource:
    """
    A folder of a repository and how it becomes manifests: "plain", "kustomize" or "helm".

    All paths are relative to the root of the repository. What follows `path` is for helm only:
    `parameters` are `name=value` as for `--set`, `kube_version` is what the chart believes it talks to ("" is
    a recent one).
    """

    renderer: str
    path: str
    values_files: tuple[str, ...] = ()
    release_name: str = ""
    namespace: str = ""
    include_crds: bool = True
    parameters: tuple[str, ...] = ()
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a manifest was written; line 0 and path "" where that is not known."""

    path: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Rendered:
    """
    The manifests of a folder, lists opened, with where each was written at the same place in `origins`.

    With an entry in `unreadable` something is missing here that the repository may well ask for.
    `notes` are sentences on what was left out on purpose. `renderer` is its name and version. `volatile`
    are the fields that a second render made otherwise.
    """

    manifests: tuple[Manifest, ...]
    unreadable: tuple[UnreadableFile, ...]
    notes: tuple[str, ...]
    renderer: str
    origins: tuple[Origin, ...] = field(default=())
    volatile: tuple[VolatileField, ...] = ()

    @property
    def is_deterministic(self) -> bool:
        """As far as it was rendered twice."""
        return not self.volatile


def refusal(code: str, message: str, *, hint: str = "") -> RenderError:
    """What is wrong with a folder at a commit: it stays wrong until somebody commits something."""
    return RenderError(message, code=code, permanent=True, hint=hint)
