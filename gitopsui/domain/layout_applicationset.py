"""ApplicationSets: the Applications they make, where Git alone can tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from gitopsui.domain.layout_files import ROOT, Files, segments_of
from gitopsui.domain.layout_origin import Origin
from gitopsui.domain.tree import mapping, objects, sequence, text

Parameters = Mapping[str, Any]

_EXPRESSION = re.compile(r"{{([^{}]*)}}")
_INDEX = re.compile(r"index\s+\.?([\w.]+)\s+(\d{1,3})")
_HARMLESS_FUNCTIONS = {"lower", "normalize", "toString", "quote", "trim", "slugify"}
_MOST_APPLICATIONS = 2_000
_MOST_MATCHES = 200_000  # folders compared with patterns, per ApplicationSet
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Expansion:
    """The templates filled in, with the parameters each was filled with; `problems` say what is left."""

    applications: tuple[tuple[Mapping[str, Any], Parameters], ...]
    problems: tuple[str, ...]


def expand(spec: Mapping[str, Any], files: Files, origin: Origin) -> Expansion:
    """
    The Applications of one ApplicationSet.

    Generators that are understood: list, git directories, git files, matrix and merge of these; one of
    clusters counts as one cluster without a name. Of Go templates only fields, indexes and harmless
    functions are understood.
    """
    generators = _Generators(files, origin)
    sets = [p for generator in objects(spec.get("generators")) for p in generators.parameters(generator, {})]
    template = mapping(spec.get("template"))
    made = tuple((mapping(fill(template, p)), p) for p in sets[:_MOST_APPLICATIONS])
    return Expansion(made, tuple(dict.fromkeys(generators.problems)))


class _Generators:
    """Turns generators into parameters and collects what it cannot turn."""

    def __init__(self, files: Files, origin: Origin) -> None:
        self._files = files
        self._origin = origin
        self._matches_left = _MOST_MATCHES
        self.problems: list[str] = []

    def parameters(self, generator: Mapping[str, Any], given: Parameters, depth: int = 0) -> list[Parameters]:
        for kind, body in generator.items():
            make = getattr(self, f"_{kind}", None) if kind in _KINDS and depth < 4 else None
            if make is None:
                continue
            filled = mapping(fill(body, given)) if given else mapping(body)
            made = list(islice(make(filled, given, depth), _MOST_APPLICATIONS))
            return [_with_values(filled, parameters) for parameters in made]
        names = ", ".join(str(kind)[:60] for kind in list(generator)[:3]) or "no"
        self.problems.append(f"Its {names} generator asks for what Git does not hold.")
        return []

    def _list(self, body: Parameters, given: Parameters, depth: int) -> Iterator[Parameters]:
        if not isinstance(body.get("elements"), list):
            self.problems.append("Its list generator has no elements that Git tells.")
        for element in objects(body.get("elements")):
            yield {**given, **_flat(element)}

    def _clusters(self, body: Parameters, given: Parameters, depth: int) -> Iterator[Parameters]:
        self.problems.append("It makes one for each cluster that Argo CD knows; it is counted once here.")
        labels = mapping(mapping(body.get("selector")).get("matchLabels"))
        unknown = {"name": "", "nameNormalized": "", "server": "", "project": ""}
        yield {**given, **unknown, **_flat(labels, "metadata.labels"), **_flat(labels)}

    def _git(self, body: Parameters, given: Parameters, depth: int) -> Iterator[Parameters]:
        if not self._origin.is_own(text(body.get("repoURL"))):
            self.problems.append("Its git generator looks into another repository.")
            return
        folders = (f for f in self._files.folders if f != ROOT)
        for folder in self._matching(folders, objects(body.get("directories"))):
            yield {**given, **_path_parameters(folder)}
        for path in self._matching(self._files.all, objects(body.get("files"))):
            if self._files.documents(path):
                folder, _, name = path.rpartition("/")
                where = {**_path_parameters(folder or ROOT), "path.filename": name}
                yield {**given, **_flat(self._files.first(path)), **where}

    def _matching(self, paths: Iterable[str], entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        wanted = [segments_of(_tidy(text(e.get("path")))) for e in entries if e.get("exclude") is not True]
        excluded = [segments_of(_tidy(text(e.get("path")))) for e in entries if e.get("exclude") is True]
        for path in paths if wanted else ():
            self._matches_left -= len(wanted)
            if self._matches_left < 0:
                self.problems.append("It has too many patterns to be followed to the end.")
                return
            parts = segments_of(path)
            if any(_matches(parts, w) for w in wanted) and not any(_matches(parts, e) for e in excluded):
                yield path

    def _matrix(self, body: Parameters, given: Parameters, depth: int) -> Iterator[Parameters]:
        first, *others = objects(body.get("generators")) or [{}]
        sets = self.parameters(first, given, depth + 1)
        for other in others:
            sets = [made for outer in sets for made in self.parameters(other, outer, depth + 1)][
                :_MOST_APPLICATIONS
            ]
        yield from sets

    def _merge(self, body: Parameters, given: Parameters, depth: int) -> Iterator[Parameters]:
        keys = [text(key) for key in sequence(body.get("mergeKeys"))]
        first, *others = objects(body.get("generators")) or [{}]
        found: dict[tuple[str, ...], Parameters] = {
            tuple(str(p.get(k)) for k in keys): p for p in self.parameters(first, given, depth + 1)
        }
        for other in others:
            for more in self.parameters(other, given, depth + 1):
                key = tuple(str(more.get(k)) for k in keys)
                if key in found:
                    found[key] = {**found[key], **more}
        yield from found.values()


_KINDS = ("list", "clusters", "git", "matrix", "merge")


def _with_values(body: Parameters, parameters: Parameters) -> Parameters:
    extra = mapping(fill(mapping(body.get("values")), parameters))
    return {**parameters, **_flat(extra, "values")} if extra else parameters


def _flat(element: Mapping[Any, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """`{a: {b: c}}` → `{"a.b": c}`, beside the objects themselves."""
    found: dict[str, Any] = {}
    for key, value in element.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        found[name] = value
        if isinstance(value, dict) and depth < 8:
            found.update(_flat(value, name, depth + 1))
    return found


def _path_parameters(folder: str) -> dict[str, Any]:
    segments = segments_of(folder)
    basename = segments[-1] if segments else ""
    normal = re.sub(r"[^a-z0-9.-]", "-", basename.lower())
    numbered = {f"path[{i}]": segment for i, segment in enumerate(segments)}
    return {
        "path": folder, "path.path": folder, "path.basename": basename, "path.basenameNormalized": normal,
        "path.segments": list(segments), **numbered,
    }  # fmt: skip


def _tidy(pattern: str) -> str:
    return "/".join(part for part in pattern.split("/") if part not in ("", "."))


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the segments match the pattern: `*` stays in its segment, `**` spans any number."""
    if "**" not in pattern:
        return len(parts) == len(pattern) and all(map(fnmatchcase, parts, pattern))
    reached = {0}
    for wanted in pattern[:_DEEPEST]:
        if wanted == "**":
            reached = set(range(min(reached, default=len(parts) + 1), len(parts) + 1))
        else:
            reached = {i + 1 for i in reached if i < len(parts) and fnmatchcase(parts[i], wanted)}
    return len(parts) in reached


def fill(template: Any, parameters: Parameters, depth: int = 0) -> Any:
    """The template with its `{{…}}` replaced; those that are not understood stay."""
    if isinstance(template, str) and "{{" in template:
        return _EXPRESSION.sub(lambda match: _value(match[1], parameters, match[0]), template)
    if isinstance(template, dict) and depth < _DEEPEST:
        return {key: fill(value, parameters, depth + 1) for key, value in template.items()}
    if isinstance(template, list) and depth < _DEEPEST:
        return [fill(value, parameters, depth + 1) for value in template]
    return template


def _value(expression: str, parameters: Parameters, unknown: str) -> str:
    words = [w for w in expression.strip("- ").replace("|", " ").split() if w not in _HARMLESS_FUNCTIONS]
    index = _INDEX.fullmatch(" ".join(words))
    if index:
        values = parameters.get(index[1])
        found = values[int(index[2])] if isinstance(values, list) and int(index[2]) < len(values) else None
    else:
        found = parameters.get(words[0].removeprefix(".")) if len(words) == 1 else None
    if isinstance(found, bool):
        return str(found).lower()
    return str(found) if isinstance(found, str | int | float) else unknown
