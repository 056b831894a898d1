"""From where Flux applies something: which clusters' Kustomizations lead to a document."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitopsui.domain.layout_contents import Contents
from gitopsui.domain.layout_files import Document, folders_above, segments_of
from gitopsui.domain.layout_flux_source import Target
from gitopsui.domain.tree import mapping, text

_MOST_REACHES = 50
_VARIABLE = re.compile(r"\$\{(\w{1,100})(?::=([^{}]*))?\}")


@dataclass(frozen=True, slots=True)
class Reach:
    """
    One way to a document: the environment, "" if unknown, the name of the cluster's folder, the
    namespace its Kustomization puts it into, the variables that it replaces (`${NAME}`).
    """

    environment: str
    cluster: str
    namespace: str = ""
    variables: tuple[tuple[str, str], ...] = ()

    def fill(self, name: str) -> str:
        """The name with its variables replaced; those without a value stay."""
        known = dict(self.variables)
        return _VARIABLE.sub(lambda match: known.get(match[1], match[2] or match[0]), name)


@dataclass(frozen=True, slots=True)
class AppliedFolder:
    """A Flux Kustomization and the folder it applies."""

    document: Document
    target: Target


class Reaches:
    """Follows the Kustomizations of a commit from the clusters down."""

    def __init__(self, contents: Contents, applied: Sequence[AppliedFolder]) -> None:
        self._contents = contents
        self._by_folder: dict[str, list[Document]] = defaultdict(list)
        for folder in applied:
            if not folder.target.reason:
                self._by_folder[folder.target.folder].append(folder.document)
        self._known: dict[int, list[Reach]] = {}

    def of(self, document: Document) -> list[Reach]:
        """The ways to a document: through each Kustomization that applies it, else where it lies."""
        if id(document) not in self._known:
            own = [self._own(document)]
            self._known[id(document)] = own  # ends a circle
            through = [reach for parent in self._parents(document) for reach in self._through(parent)]
            self._known[id(document)] = list(dict.fromkeys(through))[:_MOST_REACHES] or own
        return self._known[id(document)]

    def _through(self, kustomization: Document) -> list[Reach]:
        namespace = text(kustomization.spec.get("targetNamespace"))
        given = mapping(mapping(kustomization.spec.get("postBuild")).get("substitute"))
        variables = tuple((str(key), value) for key, value in given.items() if isinstance(value, str))
        return [replace(reach, namespace=namespace, variables=variables) for reach in self.of(kustomization)]

    def _parents(self, document: Document) -> list[Document]:
        """The Kustomizations of the innermost folder that has any and holds the document."""
        for folder in (document.context, *folders_above(document.context)):
            found = [parent for parent in self._by_folder.get(folder, ()) if parent is not document]
            if found:
                return found
        return []

    def _own(self, document: Document) -> Reach:
        segments = segments_of(document.context)
        after = [i + 1 for i, name in enumerate(segments[:-1]) if name.lower() in ("clusters", "cluster")]
        cluster = segments[after[0]] if after else ""
        return Reach(self._contents.place(document.context).environment, cluster)
