"""What an Argo CD Application tells Helm: values files, values written into it, parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from gitopsui.domain.layout_application import Application
from gitopsui.domain.layout_contents import Contents
from gitopsui.domain.layout_files import ROOT, join
from gitopsui.domain.text import clean_json
from gitopsui.domain.tree import objects, sequence, text

_MOST_TEXT = 65_536  # characters of values; a ConfigMap could not hold many more
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")


def find_values(
    helm: Mapping[str, Any], folder: str | None, application: Application, contents: Contents
) -> tuple[tuple[str, ...], str]:
    """The values files from the root of the repository, and what stands in the way of reading them."""
    found: dict[str, None] = {}
    problem = ""
    for entry in map(text, sequence(helm.get("valueFiles"))):
        path = _path_of(entry, folder, application, contents)
        if path is None:
            problem = problem or f"Its values file {entry[:200]} is not in this repository."
        elif path in contents.files:
            found[path] = None
        elif helm.get("ignoreMissingValueFiles") is not True:
            problem = problem or f"Its values file {path} does not exist."
    default = join(folder or ROOT, "values.yaml")
    return tuple(path for i, path in enumerate(found) if i or path != default), problem


def _path_of(entry: str, folder: str | None, application: Application, contents: Contents) -> str | None:
    """Where a values file lies; `$name/…` is below the root of the source that is called so."""
    if "://" in entry or not entry:
        return None
    if not entry.startswith("$"):
        return join(folder, entry) if folder else None
    reference, _, path = entry[1:].partition("/")
    named = [source for source in application.sources if text(source.get("ref")) == reference]
    return join(ROOT, path) if named and contents.origin.is_own(text(named[0].get("repoURL"))) else None


def parameters_of(helm: Mapping[str, Any]) -> tuple[str, ...]:
    """`name=value` as Argo CD gives them to Helm: commas escaped, but for lists in braces."""
    found = []
    for entry in objects(helm.get("parameters")):
        name, value = text(entry.get("name")), _scalar(entry.get("value"))
        is_list = value.startswith("{") and value.endswith("}")
        if name:
            escaped = value if is_list else _UNESCAPED_COMMA.sub(r"\,", value)
            found.append(f"{name}={escaped}")
    return tuple(found)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)[:_MOST_TEXT] if isinstance(value, str | int | float) else ""


def inline_values(helm: Mapping[str, Any]) -> str:
    """The values written into the Application, as YAML text; an object wins over a text, as in Argo CD."""
    return write_values(helm.get("valuesObject")) or text(helm.get("values"))[:_MOST_TEXT]


def write_values(value: Any) -> str:
    """An object of values as JSON, which is YAML; "" for anything else and for what is too large."""
    if not isinstance(value, dict) or not value:
        return ""
    written = json.dumps(clean_json(value))
    return written if len(written) <= _MOST_TEXT else ""
