"""JSON that YAML 1.1 cannot read: `\\ud83d\\ude00` and other escapes of machine-written files."""

from __future__ import annotations

import json
from typing import Any

from gitopsui.adapters.yaml_limits import Document, Limits, refuse
from gitopsui.adapters.yaml_scalars import Scalar, as_json_number, resolve
from gitopsui.domain.errors import UnreadableFile


def load_json(data: bytes, limits: Limits, *, otherwise: UnreadableFile) -> list[Document]:
    """The one object of a JSON file, under the same limits. Raises `otherwise` where it is no JSON either."""
    text = data.decode("utf-8")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_number,
            parse_float=_number,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        refuse("YAML_DEPTH", f"The file is nested deeper than {limits.depth} levels.", 1)
    except ValueError:
        raise otherwise from None
    return [Document(1, _Walk(limits).take(value, 1))]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            refuse("YAML_DUPLICATE_KEY", f"The key {key[:80]!r} is given twice in one object.", 1)
        found[key] = value
    return found


def _number(text: str) -> Scalar:
    return as_json_number(resolve(text))


def _refuse_constant(_text: str) -> float:
    refuse("YAML_NUMBER", "Infinity and not-a-number cannot be sent to Kubernetes.", 1)


class _Walk:
    """Counts nodes and depth, and replaces halves of surrogate pairs as Go does."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._nodes = 0

    def take(self, value: Any, depth: int) -> Any:
        self._nodes += 1 + (len(value) if isinstance(value, dict) else 0)  # keys are nodes in YAML
        if self._nodes > self._limits.nodes:
            refuse("YAML_SIZE", f"The file has more than {self._limits.nodes:,} values.", 1)
        if depth > self._limits.depth + 1:
            refuse("YAML_DEPTH", f"The file is nested deeper than {self._limits.depth} levels.", 1)
        if isinstance(value, dict):
            return {_whole(key): self.take(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self.take(item, depth + 1) for item in value]
        return _whole(value) if isinstance(value, str) else value


def _whole(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
