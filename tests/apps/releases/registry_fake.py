"""A registry in memory, with the answers and errors of the real one: held to it in `tests/contracts`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from gitopsui.adapters.registry import ImageLabels, TagList
from gitopsui.domain.errors import RegistryError, SourceError


@dataclass
class FakeRegistry:
    """
    `push` puts a tag on an image. `failures` maps a tag or digest to what is raised for it, "" to what a
    list raises. `calls` lists what was asked, as a verb and its object.
    """

    images: dict[str, dict[str, str]] = field(default_factory=dict)
    labelled: dict[str, ImageLabels] = field(default_factory=dict)
    failures: dict[str, SourceError] = field(default_factory=dict)
    is_complete: bool = True
    calls: list[tuple[str, str]] = field(default_factory=list)

    def push(self, repository: str, tag: str, labels: ImageLabels | None = None) -> str:
        """The digest; the same image under another tag has the same one."""
        labels = labels or ImageLabels(version=tag)
        digest = f"sha256:{hashlib.sha256(repr(labels).encode()).hexdigest()}"
        self.images.setdefault(repository, {})[tag] = digest
        self.labelled[digest] = labels
        return digest

    def delete(self, repository: str, digest: str) -> None:
        kept = {tag: other for tag, other in self.images[repository].items() if other != digest}
        self.images[repository] = kept

    def tags(self, repository: str) -> TagList:
        self.calls.append(("tags", repository))
        self._fail("")
        if repository not in self.images:
            raise missing()
        return TagList(tuple(sorted(self.images[repository])), self.is_complete)

    def head(self, repository: str, tag: str) -> str:
        self.calls.append(("head", tag))
        self._fail(tag)
        if tag not in self.images.get(repository, {}):
            raise missing()
        return self.images[repository][tag]

    def labels(self, repository: str, digest: str) -> ImageLabels:
        self.calls.append(("labels", digest))
        self._fail(digest)
        if digest not in self.images.get(repository, {}).values():
            raise missing()
        return self.labelled[digest]

    def asked(self, verb: str) -> list[str]:
        return [what for called, what in self.calls if called == verb]

    def _fail(self, what: str) -> None:
        if what in self.failures:
            raise self.failures[what]


def missing() -> RegistryError:
    return RegistryError("It is not there.", code="REGISTRY_NOT_FOUND", permanent=True)
