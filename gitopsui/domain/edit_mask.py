"""The text of a file without the secrets in it, for people who may see a promotion and not its repository."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import yaml

from gitopsui.domain.mask import mask
from gitopsui.domain.mask_text import BULLETS, is_telling_name, keyed_mask, mask_patterns

_MAX_DEPTH = 100
_MAX_CHARS = 200_000  # of a file that is read; a longer one is treated as one that cannot be
_MAX_NODES = 100_000  # with aliases followed
_SHORTEST_TEXT = 12
_NULL = "tag:yaml.org,2002:null"
# A manifest without any of these words has nothing that masking by place would change.
_CLUE = re.compile(r"pass|secret|token|key|credential|auth|helm|tiller|cookie|[^\x00-\x7f]", re.IGNORECASE)
_LOOKS_SECRET = re.compile(r"secret", re.IGNORECASE)
# A manifest in a text, as in the patches of a kustomization, or a patch of what a Secret holds.
_TEXT_OF_SECRET = re.compile(
    r"(?:kind[\"']?[ \t]*:[ \t]*[\"']?secret(?:s|list)?\b|path[\"']?[ \t]*:[ \t]*[\"']?/stringData/)",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    r"^(?P<to>[ \t]*(?:export[ \t]+)?(?P<name>[A-Z][A-Z0-9_]{0,99})=)(?P<value>\S.*)$", re.MULTILINE
)
_POINTER = re.compile(r"_(?:FILE|PATH|DIR|REF|NAME)$")

Span = tuple[int, int, str]


@lru_cache(maxsize=256)
def mask_file(text: str, *, key: bytes) -> str:
    """
    What is a secret by its place in a manifest or by its shape is masked as in a manifest, with a hash under
    `key`; all other characters stay. Of a file that speaks of secrets and is no YAML nothing is left.
    """

    def masked(secret: str) -> str:
        return keyed_mask(secret.encode("utf-8", "replace"), key)

    try:
        spans = _find_spans(text, key) if _CLUE.search(text) else []
    except DuplicateError:
        return f"{masked(text)}\n"
    except (yaml.YAMLError, RecursionError, ValueError):
        if _LOOKS_SECRET.search(text):
            return f"{masked(text)}\n"
        spans = []
    text = _ASSIGNED.sub(lambda found: _assigned(found, masked), _replaced(text, spans))
    return mask_patterns(text, masked)


class DuplicateError(ValueError):
    """A key that comes twice: readers differ in which one counts, so both may be what is a secret."""


def _replaced(text: str, spans: list[Span]) -> str:
    """The text with the spans replaced; one inside of another goes with that."""
    parts, at = [], 0
    for start, stop, value in sorted(set(spans), key=lambda span: (span[0], -span[1])):
        if start >= at:
            parts += [text[at:start], value]
            at = stop
    return "".join([*parts, text[at:]])


def _assigned(found: re.Match[str], masked: Callable[[str], str]) -> str:
    """`DB_PASS=…`, as in the files of environments that Secrets are made from."""
    name, value = found["name"], found["value"]
    if BULLETS in value or not is_telling_name(name) or _POINTER.search(name):
        return found[0]
    return found["to"] + masked(value)


def _find_spans(text: str, key: bytes) -> list[Span]:
    """Raises YAMLError, RecursionError, and ValueError for more than is read."""
    if len(text) > _MAX_CHARS:
        raise ValueError("The file is too long.")
    roots = yaml.compose_all(text, Loader=yaml.SafeLoader)
    return [span for root in roots for span in _spans(root, key)]


def _spans(root: yaml.Node | None, key: bytes) -> Iterator[Span]:
    if root is None:
        return
    data = _value(root, 0, itertools.count())
    yield from _differing(root, data, mask(data, key=key), 0)
    yield from _spelled(root, key, set())


def _spelled(node: yaml.Node, key: bytes, seen: set[int]) -> Iterator[Span]:
    """The texts that spell out a Secret, and what a patch writes into one, each node once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        if len(node.value) > _SHORTEST_TEXT and _TEXT_OF_SECRET.search(node.value):
            yield _whole(node, key)
    elif isinstance(node, yaml.MappingNode):
        hidden = _patched(node)
        for name, value in node.value:
            if _name(name) == hidden:
                yield _whole(value, key)
            yield from _spelled(value, key, seen)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _spelled(item, key, seen)


def _patched(node: yaml.MappingNode) -> str:
    """The field that says what a patch makes of a Secret, where this is one; else none."""
    fields = {_name(name): value for name, value in node.value}
    path, target = fields.get("path"), fields.get("target")
    if isinstance(path, yaml.ScalarNode) and path.value.startswith("/stringData"):
        return "value"
    is_secret = isinstance(target, yaml.MappingNode) and any(
        _name(name) == "kind" and str(kind.value).lower() == "secret" for name, kind in target.value
    )
    return "patch" if is_secret else "\0"


def _whole(node: yaml.Node, key: bytes) -> Span:
    value = keyed_mask(str(node.value).encode("utf-8", "replace"), key)
    return node.start_mark.index, node.end_mark.index, _written(value, ends_line=_is_block(node))


def _value(node: yaml.Node, depth: int, counter: Iterator[int]) -> Any:
    """What a node says, scalars as text: what is masked goes by names and not by types."""
    if next(counter) > _MAX_NODES:
        raise ValueError("The file says more than is read.")
    if depth > _MAX_DEPTH:
        return BULLETS
    if isinstance(node, yaml.MappingNode):
        found = {_name(name): _value(value, depth + 1, counter) for name, value in node.value}
        if len(found) < len(node.value):
            raise DuplicateError("A key comes twice.")
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, depth + 1, counter) for item in node.value]
    return None if node.tag == _NULL else str(node.value)


def _name(node: yaml.Node) -> str:
    """The key of a mapping; one that is no scalar has no name that could tell anything."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _differing(node: yaml.Node, plain: Any, masked: Any, depth: int) -> Iterator[Span]:
    """The outermost nodes that masking changed, with what stands in their place."""
    if plain == masked or depth > _MAX_DEPTH:
        return
    if isinstance(node, yaml.MappingNode) and isinstance(masked, dict):
        for name, value in node.value:
            named = _name(name)
            yield from _differing(value, plain.get(named), masked.get(named), depth + 1)
    elif isinstance(node, yaml.SequenceNode) and isinstance(masked, list) and len(masked) == len(node.value):
        for item, one, other in zip(node.value, plain, masked, strict=True):
            yield from _differing(item, one, other, depth + 1)
    else:
        start, stop = node.start_mark.index, node.end_mark.index
        yield start, stop, _written(masked, ends_line=_is_block(node))


def _written(masked: Any, *, ends_line: bool) -> str:
    text = masked if isinstance(masked, str) else BULLETS
    return " ".join(text.split()) + ("\n" if ends_line else "")


def _is_block(node: yaml.Node) -> bool:
    """Whether the node reaches to where the next line begins."""
    if isinstance(node, yaml.ScalarNode):
        return node.style in ("|", ">")
    return not getattr(node, "flow_style", True)
