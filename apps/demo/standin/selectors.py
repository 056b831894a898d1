"""Label and field selectors of a list or watch, turned into one question about an object."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .answers import ApiError, bad_request
from .kinds import Kind

Manifest = dict[str, Any]
Matcher = Callable[[Manifest], bool]
_Labels = Mapping[str, str]

_SET = re.compile(r"(?P<key>[^\s!=,()]+)\s+(?P<verb>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(r"(?P<key>[^\s!=,()]+)\s*(?P<verb>==|=|!=)\s*(?P<value>[^\s!=,()]*)")
_EXISTS = re.compile(r"(?P<no>!?)\s*(?P<key>[^\s!=,()]+)")
_TERM = re.compile(r"[^,(]*(?:\([^)]*\))?[^,(]*")

_EXTRA_FIELDS = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "source",
        "type",
    ),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "secrets": ("type",),
    "jobs": ("status.successful",),
    "replicasets": ("status.replicas",),
}


def build_matcher(kind: Kind, labels: str, fields: str) -> Matcher | None:
    """What an object must pass, None when everything does. Raises `ApiError` 400 on what cannot be read."""
    label_test = label_matcher(labels) if labels.strip() else None
    field_test = _field_matcher(kind, fields) if fields.strip() else None
    if label_test is None and field_test is None:
        return None

    def matches(manifest: Manifest) -> bool:
        marked = manifest["metadata"].get("labels") or {}
        return (label_test is None or label_test(marked)) and (field_test is None or field_test(manifest))

    return matches


def label_matcher(text: str) -> Callable[[_Labels], bool]:
    """One label selector such as `app in (a,b),tier!=web,!old`."""
    tests = [_label_test(term, text) for term in _terms(text)]
    return lambda labels: all(test(labels) for test in tests)


def matches_selector(selector: Mapping[str, Any] | None, labels: _Labels) -> bool:
    """A `LabelSelector` object of a spec; an empty one matches all, None nothing."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression(item, labels) for item in selector.get("matchExpressions") or ())


def _expression(item: Mapping[str, Any], labels: _Labels) -> bool:
    value = labels.get(item["key"])
    match item["operator"]:
        case "In":
            return value in item["values"]
        case "NotIn":
            return value not in item["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None


def _terms(text: str) -> list[str]:
    terms = [found.group().strip() for found in _TERM.finditer(text)]
    return [term for term in terms if term]


def _label_test(term: str, text: str) -> Callable[[_Labels], bool]:
    if found := _SET.fullmatch(term):
        values = {value.strip() for value in found["values"].split(",")}
        key, is_in = found["key"], found["verb"] == "in"
        return lambda labels: (labels.get(key) in values) is is_in
    if found := _EQUAL.fullmatch(term):
        key, value, is_equal = found["key"], found["value"], found["verb"] != "!="
        return lambda labels: (labels.get(key) == value) is is_equal
    if found := _EXISTS.fullmatch(term):
        key, is_there = found["key"], not found["no"]
        return lambda labels: (key in labels) is is_there
    raise bad_request(f"unable to parse requirement: found '{term}', in selector \"{text}\"")


def _field_matcher(kind: Kind, text: str) -> Matcher:
    tests = [_field_test(kind, term, text) for term in text.split(",") if term.strip()]
    return lambda manifest: all(test(manifest) for test in tests)


def _field_test(kind: Kind, term: str, text: str) -> Matcher:
    found = _EQUAL.fullmatch(term.strip())
    if not found:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
    path, value, is_equal = found["key"], found["value"], found["verb"] != "!="
    extra = () if kind.is_custom else _EXTRA_FIELDS.get(kind.plural, ())
    if path not in ("metadata.name", "metadata.namespace", *extra):
        raise _unknown_field(path, bool(extra))
    return lambda manifest: (_field(manifest, path) == value) is is_equal


def _unknown_field(path: str, is_special: bool) -> ApiError:
    if is_special:
        return bad_request(f"field label not supported: {path}")
    return bad_request(f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"')


def _field(manifest: Manifest, path: str) -> str:
    value: Any = manifest
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if path == "source" and isinstance(value, dict):
        value = value.get("component")
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
