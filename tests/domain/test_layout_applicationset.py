"""An ApplicationSet makes the Applications that Argo CD would make of it, as far as Git tells."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsui.domain.layout_applicationset import expand, fill
from gitopsui.domain.layout_files import Files
from gitopsui.domain.layout_origin import Origin

URL = "https://github.com/shop/gitops"
TREE = [
    "apps/cart/prod/a.yaml",
    "apps/cart/dev/a.yaml",
    "apps/mail/prod/a.yaml",
    "other/x.yaml",
    "config/eu.yaml",
]
FILES = Files({"config/eu.yaml": [{"region": {"name": "eu"}, "size": 3}]}, TREE)


def made(*generators: dict[str, Any], name: str) -> list[str]:
    spec = {"generators": list(generators), "template": {"metadata": {"name": name}}}
    return [body["metadata"]["name"] for body, _ in expand(spec, FILES, Origin(URL, [])).applications]


def git(**body: Any) -> dict[str, Any]:
    return {"git": {"repoURL": URL, **body}}


@pytest.mark.parametrize(
    ("directories", "folders"),
    [
        ([{"path": "apps/*"}], ["apps/cart", "apps/mail"]),
        ([{"path": "apps/*/prod"}], ["apps/cart/prod", "apps/mail/prod"]),
        (
            [{"path": "apps/**"}],
            ["apps", "apps/cart", "apps/cart/dev", "apps/cart/prod", "apps/mail", "apps/mail/prod"],
        ),
        ([{"path": "**/prod"}], ["apps/cart/prod", "apps/mail/prod"]),
        ([{"path": "apps/*"}, {"path": "apps/mail", "exclude": True}], ["apps/cart"]),
        ([{"path": "./apps/c*/"}], ["apps/cart"]),
        ([{"path": "nowhere/*"}], []),
        ([{"path": 3}, "x"], []),
    ],
)
def test_folders_are_matched_as_by_argo_cd(directories: list[Any], folders: list[str]) -> None:
    assert made(git(directories=directories), name="{{path}}") == folders


def test_a_file_gives_its_values_and_its_path() -> None:
    name = "{{region.name}}-{{size}}-{{path.basename}}-{{path.filename}}-{{path[0]}}"

    assert made(git(files=[{"path": "config/*.yaml"}]), name=name) == ["eu-3-config-eu.yaml-config"]


def test_a_matrix_makes_every_pair_and_the_second_may_use_the_first() -> None:
    first = {"list": {"elements": [{"env": "dev"}, {"env": "prod"}]}}
    second = git(directories=[{"path": "apps/*/{{env}}"}])

    names = made({"matrix": {"generators": [first, second]}}, name="{{path[1]}}-{{env}}")

    assert names == ["cart-dev", "cart-prod", "mail-prod"]


def test_a_merge_overrides_by_its_keys() -> None:
    base = {"list": {"elements": [{"env": "dev", "size": "s"}, {"env": "prod", "size": "s"}]}}
    more = {"list": {"elements": [{"env": "prod", "size": "l"}, {"env": "qa", "size": "m"}]}}

    names = made({"merge": {"mergeKeys": ["env"], "generators": [base, more]}}, name="{{env}}-{{size}}")

    assert names == ["dev-s", "prod-l"]


def test_values_of_a_generator_are_filled_in_and_given() -> None:
    generator = {"list": {"elements": [{"env": "dev"}], "values": {"full": "shop-{{env}}"}}}

    assert made(generator, name="{{values.full}}") == ["shop-dev"]


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{{env}}", "dev"),
        ("{{ .env }}", "dev"),
        ("{{- .env -}}", "dev"),
        ("{{ .env | lower }}", "dev"),
        ("{{ normalize .env }}", "dev"),
        ("{{ index .path.segments 1 }}", "b"),
        ("{{ .on }}", "true"),
        ("{{ .missing }}", "{{ .missing }}"),
        ('{{ .env | default "x" }}', '{{ .env | default "x" }}'),
        ("{{ if .env }}x{{ end }}", "{{ if .env }}x{{ end }}"),
        ("{{ index .path.segments 9 }}", "{{ index .path.segments 9 }}"),
        ("{{", "{{"),
        (3, 3),
    ],
)
def test_fields_indexes_and_harmless_functions_are_filled_in(template: Any, filled: Any) -> None:
    parameters = {"env": "dev", "on": True, "path.segments": ["a", "b"], "object": {}}

    assert fill([{"x": template}], parameters) == [{"x": filled}]


@pytest.mark.parametrize(
    ("generator", "problem"),
    [
        ({"pullRequest": {}}, "Its pullRequest generator asks for what Git does not hold."),
        ({}, "Its no generator asks for what Git does not hold."),
        ({"list": []}, "Its list generator has no elements that Git tells."),
        (
            {"git": {"repoURL": "https://github.com/shop/other", "directories": [{"path": "*"}]}},
            "Its git generator looks into another repository.",
        ),
        ({"clusters": {}}, "It makes one for each cluster that Argo CD knows; it is counted once here."),
    ],
)
def test_what_git_cannot_tell_is_a_problem(generator: dict[str, Any], problem: str) -> None:
    assert expand({"generators": [generator]}, FILES, Origin(URL, [])).problems == (problem,)


def test_a_set_makes_two_thousand_applications_at_most() -> None:
    elements = [{"n": number} for number in range(100)]
    generator = {"list": {"elements": elements}}

    names = made({"matrix": {"generators": [generator, generator]}}, name="x")

    assert len(names) == 2_000
