"""Container images: what a reference means, which ones a manifest runs, which version that makes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsui.domain.errors import InputError
from gitopsui.domain.identity import Manifest

DEFAULT_REGISTRY = "docker.io"
SHORT_DIGEST = 12  # hexadecimal digits, as docker shows them
VERSION_LABEL = "app.kubernetes.io/version"

# https://github.com/distribution/reference/blob/main/reference.go
# No part of a pattern can match in two ways, so that none of them ever backtracks far.
_LABEL = r"[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?")
_PATH_PART = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_NAME_LIMIT = 255
_REFERENCE_LIMIT = 1024  # name, tag and digest together


@dataclass(frozen=True, slots=True)
class ImageReference:
    """
    An image, normalised: `nginx` is registry `docker.io`, repository `library/nginx`.

    `tag` and `digest` (`sha256:…`) are None where the reference has none; it may have both.
    """

    registry: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def name(self) -> str:
        """Registry and repository: what two references of one image have in common."""
        return f"{self.registry}/{self.repository}"

    @property
    def short_digest(self) -> str:
        """The first digits of the digest without its algorithm; "" without a digest."""
        return self.digest.partition(":")[2][:SHORT_DIGEST] if self.digest else ""

    @property
    def display(self) -> str:
        """The tag, else the short digest, else what a missing tag means."""
        return self.tag or self.short_digest or "none (latest)"


@dataclass(frozen=True, slots=True)
class ContainerImage:
    """What a container runs: `image` as it is written, whether it is a valid reference or not."""

    container: str
    image: str
    is_init: bool = False


def parse_image(text: str) -> ImageReference:
    """The reference in `text`. Raises InputError with code IMAGE where it is none."""
    rest, at, digest = text.partition("@")
    name, tag = _split_tag(rest)
    registry, repository = _split_registry(name)
    if len(text) > _REFERENCE_LIMIT or len(name) > _NAME_LIMIT:
        raise _refusal(text, "it is too long")
    if at and not _DIGEST.fullmatch(digest):
        raise _refusal(text, "what follows the @ is no digest")
    if tag is not None and not _TAG.fullmatch(tag):
        raise _refusal(text, "what follows the last colon is no tag")
    if not _HOST.fullmatch(registry):
        raise _refusal(text, "its registry is no host name")
    if not all(_PATH_PART.fullmatch(part) for part in repository.split("/")):
        raise _refusal(text, "its name has characters that are not allowed")
    return ImageReference(registry, repository, tag, digest or None)


def is_tag_or_digest(text: str) -> bool:
    """Whether it can stand behind the name of an image, after a colon or after an @."""
    return bool((_DIGEST if ":" in text else _TAG).fullmatch(text))


def find_image(text: str) -> ImageReference | None:
    """The reference in `text`, None where it is none."""
    try:
        return parse_image(text)
    except InputError:
        return None


def _split_tag(text: str) -> tuple[str, str | None]:
    # A colon before the last slash belongs to the port of the registry.
    name, colon, tag = text.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (text, None)


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and (set(first) & set(".:[") or first == "localhost" or first != first.lower()):
        registry = DEFAULT_REGISTRY if first == "index.docker.io" else first
        repository = rest
    else:
        registry, repository = DEFAULT_REGISTRY, name
    is_official = registry == DEFAULT_REGISTRY and "/" not in repository
    return registry, f"library/{repository}" if is_official else repository


def _refusal(text: str, why: str) -> InputError:
    shown = text if len(text) <= 80 else f"{text[:79]}…"
    return InputError(f"“{shown}” is no image reference: {why}.", code="IMAGE", field="image")


_CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
_NEVER_HOLD_CONTAINERS = {"metadata", "status", "data", "stringData"}


def images_in(manifest: Any) -> tuple[ContainerImage, ...]:
    """
    The images of all containers of `manifest`, init containers after the others; never raises.

    Containers are found wherever a list called `containers` lies, so that the workloads of other
    projects (Rollout, Knative Service, CloneSet) count too. Twice the same is listed once.
    """
    found = dict.fromkeys(_walk(manifest))
    return tuple(sorted(found, key=lambda image: image.is_init))


def _walk(root: Any) -> Iterator[ContainerImage]:
    waiting: list[Any] = [root] if isinstance(root, Mapping | list) else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            yield from _containers_of(node)
            inner = [v for k, v in node.items() if k not in _NEVER_HOLD_CONTAINERS]
        else:
            inner = node
        waiting.extend(item for item in reversed(inner) if isinstance(item, Mapping | list))


def _containers_of(node: Mapping[Any, Any]) -> Iterator[ContainerImage]:
    for field in _CONTAINER_LISTS:
        containers = node.get(field)
        for container in containers if isinstance(containers, list) else ():
            if isinstance(container, Mapping) and isinstance(container.get("image"), str):
                name = container.get("name")
                yield ContainerImage(
                    name if isinstance(name, str) else "", container["image"], field == "initContainers"
                )


_WORKLOADS = {
    "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController",
    "Rollout", "DeploymentConfig", "CloneSet",
}  # fmt: skip
_SHORT_WORKLOADS = {"CronJob", "Job", "Pod"}


def version_of(manifests: Sequence[Manifest], *, image: str = "") -> str:
    """
    The version of the application that `manifests` make; "" where nothing tells one.

    It is the tag of `image` (the component's own) where a container runs it: same registry and
    repository first, then the same repository on another registry. Else it is the tag of the main
    image: the one most workloads run as their first container. Without a tag it is the label
    app.kubernetes.io/version, without that the short digest.
    """
    workloads = [(manifest, _references(manifest)) for manifest in _workloads(manifests)]
    wanted = find_image(image)
    run = [ref for _, refs in workloads for ref in refs if ref]
    own = [ref for ref in run if wanted and ref.repository == wanted.repository]
    exact = [ref for ref in own if wanted and ref.registry == wanted.registry]
    main = [refs[0] for _, refs in workloads if refs and refs[0]]
    reference = _most_frequent(exact or own or main)
    if reference and reference.tag:
        return reference.tag
    label = _version_label([*(manifest for manifest, _ in workloads), *manifests])
    return label or (reference.short_digest if reference else "")


def main_image(manifests: Sequence[Manifest]) -> str:
    """The image most workloads run as their first container, without tag and digest; "" without any."""
    first = [refs[0] for workload in _workloads(manifests) if (refs := _references(workload)) and refs[0]]
    reference = _most_frequent(first)
    return reference.name if reference else ""


def running_digest(pods: Iterable[Any], *, image: str) -> str:
    """
    The digest of `image` that the containers of these pods say they run, `sha256:…`; "" where none says one,
    and where they run several, as while a version is rolled out.

    A node reports what it pulled, `registry/cart@sha256:…`; a bare id is one of the node's own and no digest.
    """
    wanted = find_image(image)
    if wanted is None:
        return ""
    found = {digest for pod in pods for digest in _digests(pod, wanted.repository)}
    return found.pop() if len(found) == 1 else ""


def _digests(pod: Any, repository: str) -> Iterator[str]:
    written = {one.container: find_image(one.image) for one in images_in(pod) if not one.is_init}
    status = pod.get("status") if isinstance(pod, Mapping) else None
    containers = status.get("containerStatuses") if isinstance(status, Mapping) else None
    for container in containers if isinstance(containers, list) else ():
        if not isinstance(container, Mapping) or not isinstance(container.get("imageID"), str):
            continue
        # `docker-pullable://registry/cart@sha256:…` was written by nodes that ran Docker.
        name, _, digest = container["imageID"].rpartition("://")[2].rpartition("@")
        pulled, asked = find_image(name), written.get(str(container.get("name")))
        is_wanted = bool(name) and any(
            one is not None and one.repository == repository for one in (pulled, asked)
        )
        if is_wanted and _DIGEST.fullmatch(digest):
            yield digest


def _workloads(manifests: Iterable[Any]) -> list[Manifest]:
    """The workloads, long-running ones alone where there are any: a migration job is not the version."""
    found = [m for m in manifests if isinstance(m, dict) and isinstance(m.get("kind"), str)]
    long_running = [m for m in found if m["kind"] in _WORKLOADS]
    return long_running or [m for m in found if m["kind"] in _SHORT_WORKLOADS] or found


def _references(manifest: Manifest) -> list[ImageReference | None]:
    return [find_image(found.image) for found in images_in(manifest) if not found.is_init]


def _most_frequent(references: list[ImageReference]) -> ImageReference | None:
    """The first reference of the most frequent image; of equally frequent images the first."""
    if not references:
        return None
    name = Counter(ref.name for ref in references).most_common(1)[0][0]
    return next(ref for ref in references if ref.name == name)


def _version_label(manifests: Iterable[Any]) -> str:
    for manifest in manifests:
        metadata = manifest.get("metadata") if isinstance(manifest, dict) else None
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        label = labels.get(VERSION_LABEL) if isinstance(labels, dict) else None
        if isinstance(label, str) and label:
            return label
    return ""
