"""Where a YAML document says which version of an image it wants: kustomizations, Helm values, containers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from gitopsui.domain.image import ImageReference, find_image

_CONTAINER_LISTS = {"containers", "initContainers", "ephemeralContainers"}
_MAX_DEPTH = 60


@dataclass(frozen=True, slots=True)
class Edit:
    """`node` gets `value`; with a `key` it is a mapping that gets one more entry."""

    node: yaml.Node
    value: str
    key: str = ""


def find_edits(root: yaml.Node, image: ImageReference, version: str) -> Iterator[Edit]:
    """What has to change in a document so that it asks for `version`, a tag or a digest, of `image`."""
    entries = _entries(root)
    kind, images = entries.get("kind"), entries.get("images")
    is_kustomization = _text(kind) in ("Kustomization", "Component") or (kind is None and _is_images(images))
    if is_kustomization and isinstance(images, yaml.SequenceNode):
        for item in images.value:
            yield from _edit_kustomize(item, image, version)
        return
    yield from _edit_tree(root, image, version, 0)


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _text(node: yaml.Node | None) -> str:
    return node.value if isinstance(node, yaml.ScalarNode) else ""


def _is_images(node: yaml.Node | None) -> bool:
    """Whether a list reads as the `images` of a kustomization that does not say its kind."""
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    return any({"newTag", "digest", "newName"} & _entries(item).keys() for item in items)


def _edit_kustomize(item: yaml.Node, image: ImageReference, version: str) -> Iterator[Edit]:
    entries = _entries(item)
    names = {_text(entries.get("name")), _text(entries.get("newName"))} - {""}
    if not any(_is(name, image) for name in names):
        return
    wanted, other = ("digest", "newTag") if ":" in version else ("newTag", "digest")
    if wanted in entries:
        yield Edit(entries[wanted], version)
        if _text(entries.get(other)):
            # A digest that stays would win over the tag, and a tag would name a version that does not run.
            yield Edit(entries[other], "")
    elif other not in entries:
        yield Edit(item, version, wanted)
    else:
        # The other one changes its kind.
        yield from _turn(item, other, wanted, version)


def _turn(item: yaml.Node, old: str, new: str, version: str) -> Iterator[Edit]:
    for key, value in item.value:
        if _text(key) == old:
            yield Edit(key, new)
            yield Edit(value, version)


def _is(name: str, image: ImageReference) -> bool:
    reference = find_image(name)
    return reference is not None and reference.name == image.name


def _edit_tree(node: yaml.Node, image: ImageReference, version: str, depth: int) -> Iterator[Edit]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _edit_tree(item, image, version, depth + 1)
    entries = _entries(node)
    yield from _edit_values(node, entries, image, version)
    for name, child in entries.items():
        if name == "image" and isinstance(child, yaml.ScalarNode):
            yield from _edit_reference(child, image, version)
        else:
            yield from _edit_tree(child, image, version, depth + 1)


def _edit_reference(node: yaml.ScalarNode, image: ImageReference, version: str) -> Iterator[Edit]:
    """`image: registry/name:tag`, with the name as it is written."""
    reference = find_image(node.value)
    if reference is None or reference.name != image.name:
        return
    name = node.value.partition("@")[0]
    if reference.tag is not None:
        name = name.rpartition(":")[0]
    yield Edit(node, f"{name}@{version}" if ":" in version else f"{name}:{version}")


def find_prefixes(node: yaml.Node, image: ImageReference, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """The paths of the mappings in Helm values that name the image by repository: `image`, `web.image`."""
    entries = _entries(node) if depth <= _MAX_DEPTH else {}
    repository, registry = _text(entries.get("repository")), _text(entries.get("registry"))
    if repository and _is(f"{registry}/{repository}" if registry else repository, image):
        yield prefix
    for name, child in entries.items():
        key = name.replace("\\", "\\\\").replace(".", "\\.")
        yield from find_prefixes(child, image, f"{prefix}.{key}" if prefix else key, depth + 1)


def _edit_values(
    node: yaml.Node, entries: dict[str, yaml.Node], image: ImageReference, version: str
) -> Iterator[Edit]:
    """Helm values: `repository` and `tag`, with a `registry` above it or without."""
    repository = _text(entries.get("repository"))
    if not repository:
        return
    registry = _text(entries.get("registry"))
    full = f"{registry}/{repository}" if registry else repository
    if not _is(full, image):
        return
    key = "digest" if ":" in version else "tag"
    if key in entries:
        yield Edit(entries[key], version)
    else:
        yield Edit(node, version, key)
    if key == "tag" and _text(entries.get("digest")):
        # A digest that stays would win over the tag.
        yield Edit(entries["digest"], "")
