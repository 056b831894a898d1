"""The text of a file without the secrets in it, for people who may see a promotion and not its repository."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml

from gitopsui.domain.mask import mask
from gitopsui.domain.mask_text import BULLETS, keyed_mask, mask_patterns

_MAX_DEPTH = 100
_MAX_CHARS = 200_000  # of a file that is read; a longer one is treated as one that cannot be
_MAX_NODES = 100_000  # with aliases followed
_NULL = "tag:yaml.org,2002:null"
# A manifest without any of these words has nothing that masking by place would change.
_CLUE = re.compile(r"pass|secret|token|key|credential|auth|helm|tiller|cookie|[^\x00-\x7f]", re.IGNORECASE)
_LOOKS_SECRET = re.compile(r"secret", re.IGNORECASE)

Span = tuple[int, int, str]


@lru_cache(maxsize=256)
def mask_file(text: str, *, key: bytes) -> str:
    """
    What is a secret by its place in a manifest or by its shape is masked as in a manifest, with a hash under
    `key`; all other characters stay. Of a file that speaks of secrets and is no YAML nothing is left.
    """
    try:
        spans = _find_spans(text, key) if _CLUE.search(text) else []
    except (yaml.YAMLError, RecursionError, ValueError):
        if _LOOKS_SECRET.search(text):
            return f"{keyed_mask(text.encode('utf-8', 'replace'), key)}\n"
        spans = []
    # From the end, so that the places before stay; one inside of another went with that.
    end = len(text)
    for start, stop, value in sorted(spans, reverse=True):
        if stop <= end:
            text, end = text[:start] + value + text[stop:], start
    return mask_patterns(text, lambda secret: keyed_mask(secret.encode("utf-8", "replace"), key))


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


def _value(node: yaml.Node, depth: int, counter: Iterator[int]) -> Any:
    """What a node says, scalars as text: what is masked goes by names and not by types."""
    if next(counter) > _MAX_NODES:
        raise ValueError("The file says more than is read.")
    if depth > _MAX_DEPTH:
        return BULLETS
    if isinstance(node, yaml.MappingNode):
        return {_name(name): _value(value, depth + 1, counter) for name, value in node.value}
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
