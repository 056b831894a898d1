"""Patches change what an Application becomes as kustomize would."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsui.domain.layout_files import Document
from gitopsui.domain.layout_patch import patched

APPLICATION: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Application",
    "metadata": {"name": "cart"},
    "spec": {"source": {"path": "cart/dev", "list": [1, 2]}, "project": "shop"},
}


def after(body: dict[str, Any], patch: Any) -> Any:
    """The spec of the Application after the kustomization `body` whose patch file holds `patch`."""
    documents = patched([Document("a.yaml", APPLICATION)], body, lambda path: (patch,), lambda text: (patch,))
    return documents[0].body["spec"]


TARGET = {"kind": "Application", "name": "cart"}


@pytest.mark.parametrize(
    ("operation", "spec"),
    [
        ({"op": "replace", "path": "/spec/project", "value": "x"}, {**APPLICATION["spec"], "project": "x"}),
        ({"op": "add", "path": "/spec/new", "value": 1}, {**APPLICATION["spec"], "new": 1}),
        ({"op": "remove", "path": "/spec/project"}, {"source": APPLICATION["spec"]["source"]}),
        (
            {"op": "add", "path": "/spec/source/list/-", "value": 3},
            {"source": {"path": "cart/dev", "list": [1, 2, 3]}, "project": "shop"},
        ),
        (
            {"op": "add", "path": "/spec/source/list/0", "value": 3},
            {"source": {"path": "cart/dev", "list": [3, 1, 2]}, "project": "shop"},
        ),
        (
            {"op": "replace", "path": "/spec/source/list/1", "value": 3},
            {"source": {"path": "cart/dev", "list": [1, 3]}, "project": "shop"},
        ),
        ({"op": "add", "path": "/spec/a~1b", "value": 1}, {**APPLICATION["spec"], "a/b": 1}),
        ({"op": "replace", "path": "/spec/not/there", "value": 1}, APPLICATION["spec"]),
        ({"op": "replace", "path": "", "value": 1}, APPLICATION["spec"]),
        ({"op": "test", "path": "/spec/project", "value": 1}, APPLICATION["spec"]),
        ({"op": "replace", "path": "/spec/source/list/99", "value": 1}, APPLICATION["spec"]),
    ],
)
def test_an_operation_changes_one_place(operation: dict[str, Any], spec: dict[str, Any]) -> None:
    assert after({"patches": [{"path": "p.yaml", "target": TARGET}]}, [operation]) == spec


def test_a_strategic_patch_is_merged_into_the_document_of_its_name() -> None:
    patch = {**APPLICATION, "spec": {"source": {"path": "cart/prod"}, "project": None}}

    assert after({"patchesStrategicMerge": ["p.yaml"]}, patch) == {
        "source": {"path": "cart/prod", "list": [1, 2]}
    }
    assert (
        after({"patches": [{"path": "p.yaml"}]}, {**patch, "metadata": {"name": "x"}}) == APPLICATION["spec"]
    )


def test_a_target_decides_and_the_document_keeps_its_name() -> None:
    body = {"patches": [{"path": "p.yaml", "target": {"kind": "Application"}}]}
    patch = {
        "kind": "Application",
        "metadata": {"name": "any", "labels": {"a": "b"}},
        "spec": {"project": "x"},
    }

    document = patched([Document("a.yaml", APPLICATION)], body, lambda path: (patch,), lambda text: ())[0]

    assert document.name == "cart"
    assert document.spec["project"] == "x"


def test_an_inline_patch_is_parsed_by_the_caller() -> None:
    operation = [{"op": "replace", "path": "/spec/project", "value": "x"}]

    assert after({"patches": [{"patch": "text", "target": TARGET}]}, operation)["project"] == "x"
    assert (
        after({"patchesStrategicMerge": ["several\nlines"]}, {**APPLICATION, "spec": {"project": "y"}})[
            "project"
        ]
        == "y"
    )


def test_the_original_is_left_as_it_was() -> None:
    before = repr(APPLICATION)

    after(
        {"patches": [{"path": "p.yaml", "target": TARGET}]}, [{"op": "remove", "path": "/spec/source/list/0"}]
    )

    assert repr(APPLICATION) == before


def test_a_deployment_is_not_patched() -> None:
    deployment = Document(
        "d.yaml", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "cart"}}
    )
    body = {"patches": [{"path": "p.yaml", "target": {"kind": "Deployment"}}]}

    assert patched([deployment], body, lambda path: ({"spec": {}},), lambda text: ()) == [deployment]
