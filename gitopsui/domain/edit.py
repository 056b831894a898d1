"""
Changes one value of a YAML text and leaves every other byte: comments, order, quotes, line ends, the BOM.

The text is never written anew from what it says; the characters of one node are replaced where they stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from gitopsui.domain.edit_image import find_edits, find_prefixes
from gitopsui.domain.edit_path import APPEND, EditError, Step, split_path
from gitopsui.domain.edit_scalar import Value, in_block, in_flow, write_scalar
from gitopsui.domain.image import is_tag_or_digest, parse_image

__all__ = ["EditError", "check_tag_or_digest", "find_image_paths", "find_values", "set_image", "set_value"]

MAX_CHARS = 2_000_000
_USUAL_STEP = 4  # where a file indents nothing yet
_BOM = "\ufeff"
_PROPERTIES = re.compile(r"(?:[&!]\S*(?:[ \t]+|(?=\r?\n|\Z)))+")


def set_value(text: str, path: str, value: Value) -> str:
    """
    The text with the value at `path` replaced, or added where the mapping or list above it exists.

    `path` is as `split_path` reads it. Of several documents the only one that has the path is edited.
    Raises EditError with the reason: no such path, two documents with it, an alias on the way.
    """
    steps = split_path(path)
    roots = _compose(text)
    holding = [root for root in roots if _find(root, steps) is not None]
    if len(holding) > 1:
        raise EditError(f"{len(holding)} documents of the file have {path}; it must be one.")
    root = holding[0] if holding else _only(roots, path)
    return _set(text, root, steps, path, value)


def find_values(text: str, path: str) -> list[str]:
    """The scalars that stand at `path` now, one for each document that has it. Raises EditError."""
    steps = split_path(path)
    found = (_find(root, steps) for root in _compose(text))
    return [node.value for node in found if isinstance(node, yaml.ScalarNode)]


def find_image_paths(text: str, image: str) -> list[str]:
    """The mappings of Helm values that name an image by its repository, as paths. Raises EditError."""
    wanted = parse_image(image)
    return [path for root in _compose(text) for path in find_prefixes(root, wanted) if path]


def _compose(text: str) -> list[yaml.Node]:
    if len(text) > MAX_CHARS:
        raise EditError(f"The file has more than {MAX_CHARS:,} characters.")
    try:
        return [node for node in yaml.compose_all(text, Loader=_Loader) if node is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise EditError(f"The file is not valid YAML{where}.") from error
    except (RecursionError, ValueError) as error:
        raise EditError("The file cannot be read: it is nested too deep or holds odd characters.") from error


class _Loader(yaml.SafeLoader):
    """Composes nodes with their places; aliases stay known by the event that named them."""

    aliases: set[tuple[int, int]]

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.aliases = set()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if not self.check_event(yaml.AliasEvent):
            return super().compose_node(parent, index)
        event = self.peek_event()  # type: ignore[no-untyped-call]
        target = super().compose_node(parent, index)
        # A stand-in with the place of the alias: what it points at stands elsewhere and is not edited here.
        return _Alias(target, event.start_mark, event.end_mark)


class _Alias(yaml.Node):
    """`*name`: a node whose content stands elsewhere."""

    id = "alias"

    def __init__(self, target: yaml.Node | None, start: yaml.Mark, end: yaml.Mark) -> None:
        super().__init__("tag:yaml.org,2002:str", target, start, end)


def _only(roots: list[yaml.Node], path: str) -> yaml.Node:
    if len(roots) == 1:
        return roots[0]
    if not roots:
        raise EditError(f"The file is empty, so it has no {path}.")
    raise EditError(f"None of the {len(roots)} documents of the file has {path}.")


def _find(node: yaml.Node | None, steps: tuple[Step, ...]) -> yaml.Node | None:
    """The node a path leads to; None where it leads nowhere or through an alias."""
    for step in steps:
        node = _child(node, step)
        if node is None:
            return None
    return node


def _child(node: yaml.Node | None, step: Step) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        found = [value for key, value in node.value if getattr(key, "value", None) == step.key]
        return found[-1] if found else None
    if isinstance(node, yaml.SequenceNode) and step.index is not None:
        inside = 0 <= step.index < len(node.value)
        return node.value[step.index] if inside else None
    return None


def _set(text: str, root: yaml.Node, steps: tuple[Step, ...], path: str, value: Value) -> str:
    node = root
    for depth, step in enumerate(steps):
        if isinstance(node, _Alias):
            raise EditError(f"{_said(steps[:depth])} is an alias; edit what it points at.")
        child = _child(node, step)
        if child is None:
            return _add(text, node, steps[depth:], path, value)
        node = child
    return _replace(text, node, value)


def _said(steps: tuple[Step, ...]) -> str:
    return ".".join(map(str, steps)) or "The document"


def _splice(text: str, start: int, end: int, new: str) -> str:
    return text[:start] + new + text[end:]


def _replace(text: str, node: yaml.Node, value: Value) -> str:
    """The characters of one node replaced; what is a comment behind it stays."""
    start, end = _start_of(text, node), node.end_mark.index
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        # A block scalar reaches to where the next node begins; its last line end stays.
        body = text[start:end]
        end = start + len(body.rstrip("\r\n "))
    if not isinstance(value, (dict, list)):
        return _splice(text, start, end, _gap(text, start) + write_scalar(value, like=node))
    if isinstance(node, yaml.SequenceNode) and isinstance(value, list) and not node.flow_style:
        return _replace_items(text, node, value)
    if getattr(node, "flow_style", False):
        return _splice(text, start, end, in_flow(value))
    end = _end_of_block(text, node)
    column, newline = _column_of_parent(text, node), _newline(text)
    start = len(text[:start].rstrip(" \r\n"))
    return _splice(
        text, start, end, newline + in_block(value, column + _step_of(text), newline, _step_of(text))
    )


def _start_of(text: str, node: yaml.Node) -> int:
    """Where the value itself begins: an anchor or a tag before it stays, others may point at it."""
    start, end = node.start_mark.index, node.end_mark.index
    match = None if isinstance(node, _Alias) else _PROPERTIES.match(text, start, end)
    return match.end() if match else start


def _gap(text: str, start: int) -> str:
    """An empty value stands right behind its colon: a space belongs between them."""
    return " " if start and text[start - 1] == ":" else ""


def _replace_items(text: str, node: yaml.SequenceNode, values: list[Any]) -> str:
    """Item by item from the last, so that comments behind items stay; the rest is added or taken away."""
    for surplus in reversed(node.value[len(values) :]):
        begin = text.rfind("\n", 0, surplus.start_mark.index) + 1
        text = _splice(text, begin, _line_end(text, _end_of_block(text, surplus)), "")
    for value in values[len(node.value) :]:
        text = _append(text, _last_of(text, node), value)
    kept = list(zip(node.value, values, strict=False))
    for item, value in reversed(kept):
        text = _replace(text, item, value)
    return text


def _last_of(text: str, node: yaml.SequenceNode) -> yaml.SequenceNode:
    """The list again, as it stands after an item was added behind it."""
    found = [
        one for root in _compose(text) for one in _walk(root) if one.start_mark.index == node.start_mark.index
    ]
    return next(one for one in found if isinstance(one, yaml.SequenceNode))


def _walk(node: yaml.Node) -> Iterator[yaml.Node]:
    yield node
    if isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from _walk(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _walk(item)


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1


def _add(text: str, node: yaml.Node, rest: tuple[Step, ...], path: str, value: Value) -> str:
    """The rest of a path below the last node that is there."""
    step = rest[0]
    if isinstance(node, yaml.SequenceNode):
        if step.index not in (APPEND, len(node.value)):
            raise EditError(f"{path}: the list has {len(node.value)} items and no position {step}.")
        return _append(text, node, _nested(rest[1:], value))
    nested = _nested(rest[1:], value)
    if isinstance(node, yaml.MappingNode):
        return _extend(text, node, step.key, nested)
    if isinstance(node, yaml.ScalarNode) and not node.value and not node.style:
        return _fill(text, node, {step.key: nested})
    raise EditError(f"{path}: there is a plain value where {step} should be found.")


def _nested(steps: tuple[Step, ...], value: Value) -> Any:
    for step in reversed(steps):
        value = [value] if step.index in (APPEND, 0) else {step.key: value}
    return value


def _fill(text: str, node: yaml.Node, value: Value) -> str:
    """A mapping where a key has no value yet."""
    start, newline = node.start_mark.index, _newline(text)
    column = _column_of_parent(text, node)
    return _splice(
        text, start, start, newline + in_block(value, column + _step_of(text), newline, _step_of(text))
    )


def _extend(text: str, node: yaml.MappingNode, key: str, value: Value) -> str:
    """One more key at the end of a mapping."""
    if node.flow_style:
        start = node.end_mark.index - 1
        comma = ", " if node.value else ""
        if node.value and node.value[0][0].style == '"':
            return _splice(text, start, start, f"{comma}{json.dumps(key)}: {json.dumps(value)}")
        return _splice(text, start, start, f"{comma}{write_scalar(key)}: {in_flow(value)}")
    return _insert_below(
        text,
        node,
        node.value[0][0].start_mark.column,
        lambda newline, column: in_block({key: value}, column, newline, _step_of(text)),
    )


def _append(text: str, node: yaml.SequenceNode, value: Value) -> str:
    if node.flow_style:
        start = node.end_mark.index - 1
        return _splice(text, start, start, (", " if node.value else "") + in_flow(value))
    first = node.value[0].start_mark.index
    column = first - (text.rfind("\n", 0, first) + 1)
    dash = text.rfind("-", 0, first)
    column = dash - (text.rfind("\n", 0, dash) + 1)
    return _insert_below(
        text, node, column, lambda newline, column: in_block([value], column, newline, _step_of(text))
    )


def _insert_below(text: str, node: yaml.Node, column: int, write: Callable[[str, int], str]) -> str:
    """New lines behind the last line that belongs to a block."""
    newline = _newline(text)
    end = _end_of_block(text, node)
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end - (text[line_end - 1] == "\r")
    return _splice(text, line_end, line_end, newline + write(newline, column))


def _end_of_block(text: str, node: yaml.Node) -> int:
    """Behind the last character that says something; the mark of a block is where the next node begins."""
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        key, value = node.value[-1]
        is_empty = isinstance(value, yaml.ScalarNode) and not value.value and value.style is None
        return key.end_mark.index + 1 if is_empty else _end_of_block(text, value)
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        return _end_of_block(text, node.value[-1])
    start, end = node.start_mark.index, node.end_mark.index
    return start + len(text[start:end].rstrip("\r\n ")) if end > start else end


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _column_of_parent(text: str, node: yaml.Node) -> int:
    """The column of the key that the node is the value of."""
    begin = text.rfind("\n", 0, node.start_mark.index) + 1
    line = text[begin : node.start_mark.index + 1]
    while not line.strip() and begin:
        end = begin - 1
        begin = text.rfind("\n", 0, end) + 1
        line = text[begin:end]
    indent = len(line) - len(line.lstrip(" -")) if line.strip(" -") else 0
    return indent - (1 if line.startswith(_BOM) else 0)


def _step_of(text: str) -> int:
    """How far the file indents: the first indented line tells."""
    for line in text.splitlines():
        stripped = line.lstrip(" ")
        if stripped and not stripped.startswith(("#", "-")) and len(line) > len(stripped):
            return min(len(line) - len(stripped), 8)
    return _USUAL_STEP


def check_tag_or_digest(text: str) -> None:
    """Raises EditError where no image can have it: a version of a release need not be one."""
    if not is_tag_or_digest(text):
        shown = text if len(text) <= 80 else f"{text[:79]}…"
        raise EditError(f"“{shown}” is no tag and no digest that an image can have.")


def set_image(text: str, image: str, tag_or_digest: str) -> str:
    """
    The text with the new tag or digest (`sha256:…`) of an image, wherever this file says it: `images` of a
    kustomization, `image.repository` and `image.tag` of Helm values, `image` of containers.

    `image` is a reference without tag. Raises EditError where the file does not name it, and for what is
    neither tag nor digest.
    """
    check_tag_or_digest(tag_or_digest)
    wanted = parse_image(image)
    edits = [edit for root in _compose(text) for edit in find_edits(root, wanted, tag_or_digest)]
    if not edits:
        raise EditError(f"The file does not name the image {image}.")
    for edit in sorted(edits, key=lambda one: one.node.start_mark.index, reverse=True):
        if edit.key and isinstance(edit.node, yaml.MappingNode):
            text = _extend(text, edit.node, edit.key, edit.value)
        else:
            text = _replace(text, edit.node, edit.value)
    return text
