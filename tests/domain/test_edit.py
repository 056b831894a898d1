"""One value is changed and every other byte stays."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsui.domain.edit import EditError, find_values, set_image, set_value

CASES = Path(__file__).parents[2] / "../shared/conformance/promotion/yaml_update.json"

DEPLOYMENT = """\
# The cart of the shop
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart   # the name
  labels: {app.kubernetes.io/version: "1.4.0", team: basket}
spec:
  template:
    spec:
      containers:
      - name: cart
        image: registry.example.org/shop/cart:1.4.0 # bumped by the bot
        args: ['--mode', "fast"]
      - name: proxy
        image: registry.example.org:5000/edge/proxy@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
"""


def changed_lines(before: str, after: str) -> list[str]:
    """The lines of `after` that are others than those of `before` at the same place."""
    old, new = before.split("\n"), after.split("\n")
    assert len(old) == len(new)
    return [line for was, line in zip(old, new, strict=True) if was != line]


# --- one scalar -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (
            "spec.template.spec.containers.0.image",
            "registry.example.org/shop/cart:1.5.0",
            "        image: registry.example.org/shop/cart:1.5.0 # bumped by the bot",
        ),
        ("metadata.name", "basket", "  name: basket   # the name"),
        (
            r"metadata.labels.app\.kubernetes\.io/version",
            "1.5.0",
            '  labels: {app.kubernetes.io/version: "1.5.0", team: basket}',
        ),
        ("metadata.labels.team", "on", '  labels: {app.kubernetes.io/version: "1.4.0", team: "on"}'),
        (
            "spec.template.spec.containers.0.args.[0]",
            "it's",
            "        args: ['it''s', \"fast\"]",
        ),
    ],
)
def test_only_the_line_of_the_value_changes(path: str, value: str, line: str) -> None:
    assert changed_lines(DEPLOYMENT, set_value(DEPLOYMENT, path, value)) == [line]


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("tag: 1.9\n", "1.10", 'tag: "1.10"\n'),
        ("tag: v1\n", "1e5", 'tag: "1e5"\n'),
        ("tag: v1\n", "2026-11-23", 'tag: "2026-11-23"\n'),
        ("tag: v1\n", "0o17", 'tag: "0o17"\n'),
        ("tag: v1\n", "12:30:45", 'tag: "12:30:45"\n'),
        ("tag: v1\n", "null", 'tag: "null"\n'),
        ("tag: v1\n", "", 'tag: ""\n'),
        ("tag: v1\n", "a: b", 'tag: "a: b"\n'),
        ("tag: v1\n", "a #b", 'tag: "a #b"\n'),
        ("tag: v1\n", "two\nlines", 'tag: "two\\nlines"\n'),
        ("tag: v1\n", "\u202eevil", 'tag: "\\u202eevil"\n'),
        ("tag: 'v1'\n", "v2", "tag: 'v2'\n"),
        ("tag: '1.9'\n", "1.10", "tag: '1.10'\n"),
        ("tag: !!str 19\n", "20", 'tag: !!str "20"\n'),
        ("replicas: 3\n", "4", "replicas: 4\n"),
        ("replicas: 3\n", "007", 'replicas: "007"\n'),
        ("tag:\n", "v2", "tag: v2\n"),
        ("tag: # none yet\n", "v2", "tag: v2 # none yet\n"),
        ("tag: v1", "v2", "tag: v2"),
        ("tag: v1\r\nname: a\r\n", "v2", "tag: v2\r\nname: a\r\n"),
        ("\ufefftag: v1\n", "v2", "\ufefftag: v2\n"),
        ("tag: &it v1\nother: *it\n", "v2", "tag: &it v2\nother: *it\n"),
        ("tag: |\n  v1\nname: a\n", "v2", "tag: v2\nname: a\n"),
        ('{"tag": "v1", "n": 1}\n', "v2", '{"tag": "v2", "n": 1}\n'),
    ],
)
def test_quotes_ends_of_lines_and_anchors_stay(before: str, value: str, after: str) -> None:
    assert set_value(before, "tag" if "tag" in before else "replicas", value) == after


def test_a_key_that_is_missing_is_added_where_its_neighbours_are() -> None:
    text = "image:\n  repository: shop/cart\n  # which one\n\nreplicas: 2\n"
    assert set_value(text, "image.tag", "v2") == (
        "image:\n  repository: shop/cart\n  tag: v2\n  # which one\n\nreplicas: 2\n"
    )
    assert set_value("image: {repository: a}\n", "image.tag", "v2") == "image: {repository: a, tag: v2}\n"
    assert set_value('{"image": {"a": "b"}}', "image.tag", "v2") == '{"image": {"a": "b", "tag": "v2"}}'
    assert set_value("a:\n- x\n- y\n", "a.-1", "z") == "a:\n- x\n- y\n- z\n"


def test_of_several_documents_the_one_that_has_the_path_is_edited() -> None:
    text = "kind: Service\n---\nkind: Deployment\nspec: {replicas: 1}\n"
    assert set_value(text, "spec.replicas", "2").endswith("spec: {replicas: 2}\n")
    with pytest.raises(EditError, match="2 documents of the file have kind"):
        set_value(text, "kind", "Pod")
    with pytest.raises(EditError, match="None of the 2 documents"):
        set_value(text, "metadata.name", "a")
    assert find_values(text, "kind") == ["Service", "Deployment"]


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("a: &x {b: 1}\nc: *x\n", "c.b", "c is an alias"),
        ("a: text\n", "a.b", "there is a plain value"),
        ("a: [1]\n", "a.[5]", "no position"),
        ("a: [1\n", "a", "not valid YAML in line"),
        ("", "a", "is empty"),
        ("a: 1\n", "a..b", "empty key part"),
        ("a: 1\n", "a\\", "ends in a backslash"),
        ("[" * 20_000, "a", "cannot be read|not valid"),
    ],
)
def test_what_cannot_be_edited_is_said(text: str, path: str, reason: str) -> None:
    with pytest.raises(EditError, match=reason):
        set_value(text, path, "x")


# Without control characters: PyYAML does not read back all of those that it writes into keys.
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
SCALARS = st.one_of(st.integers(), st.booleans(), st.none(), WORDS)
TREES = st.recursive(
    st.dictionaries(KEYS, SCALARS, min_size=1, max_size=4),
    lambda inner: st.one_of(
        st.dictionaries(KEYS, inner, min_size=1, max_size=3),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=12,
)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in leaves(one, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, one in enumerate(value) for leaf in leaves(one, (*path, index))]
    return [path]


def spelled(path: tuple[Any, ...]) -> str:
    parts = [
        f"[{part}]" if isinstance(part, int) else ":" + part.replace("\\", "\\\\").replace(".", "\\.")
        for part in path
    ]
    return ".".join(parts)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(KEYS, TREES, min_size=1, max_size=3), st.data())
def test_the_text_reads_as_before_but_for_the_one_value(tree: dict[str, Any], data: st.DataObject) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True, default_flow_style=data.draw(st.booleans()), width=10_000)
    path = data.draw(st.sampled_from(leaves(tree)))
    value = data.draw(st.text(max_size=30))
    wanted = copy.deepcopy(tree)
    above: Any = wanted
    for part in path[:-1]:
        above = above[part]
    above[path[-1]] = value
    found = yaml.safe_load(set_value(text, spelled(path), value))
    if isinstance(above[path[-1]], str) and value.lstrip("-").isdigit():
        # A whole number in the place of a whole number stays one.
        assert json.dumps(found, sort_keys=True).replace('"', "") == json.dumps(
            wanted, sort_keys=True
        ).replace('"', "")
    else:
        assert found == wanted


# --- images -----------------------------------------------------------------------------------------------


def test_containers_get_the_new_tag_and_keep_how_the_name_is_written() -> None:
    after = set_image(DEPLOYMENT, "registry.example.org/shop/cart", "1.5.0")
    assert changed_lines(DEPLOYMENT, after) == [
        "        image: registry.example.org/shop/cart:1.5.0 # bumped by the bot"
    ]
    digest = "sha256:" + "b" * 64
    after = set_image(DEPLOYMENT, "registry.example.org:5000/edge/proxy", digest)
    assert changed_lines(DEPLOYMENT, after) == [
        f"        image: registry.example.org:5000/edge/proxy@{digest}"
    ]


KUSTOMIZATION = """\
resources: [../base]
images:
- name: nginx
  newTag: "1.27" # the web
- name: cart
  newName: registry.example.org/shop/cart
  newTag: 1.4.0
"""


@pytest.mark.parametrize(
    ("image", "version", "line"),
    [
        ("docker.io/library/nginx", "1.28", '  newTag: "1.28" # the web'),
        ("registry.example.org/shop/cart", "1.5.0", "  newTag: 1.5.0"),
    ],
)
def test_a_kustomization_gets_the_new_tag(image: str, version: str, line: str) -> None:
    assert changed_lines(KUSTOMIZATION, set_image(KUSTOMIZATION, image, version)) == [line]


def test_a_digest_takes_the_place_of_a_tag_in_a_kustomization() -> None:
    digest = "sha256:" + "c" * 64
    after = yaml.safe_load(set_image(KUSTOMIZATION, "registry.example.org/shop/cart", digest))
    assert after["images"][1] == {
        "name": "cart",
        "newName": "registry.example.org/shop/cart",
        "digest": digest,
    }
    bare = "kind: Kustomization\nimages:\n  - name: cart\n"
    assert set_image(bare, "cart", "v2") == "kind: Kustomization\nimages:\n  - name: cart\n    newTag: v2\n"


def test_of_a_tag_and_a_digest_in_a_kustomization_only_what_is_wanted_stays() -> None:
    old, new = "sha256:" + "a" * 64, "sha256:" + "b" * 64
    text = f"images:\n- name: shop/cart\n  newTag: 1.0.0 # ours\n  digest: {old}\n"
    after = set_image(text, "shop/cart", "2.0.0")
    assert after == text.replace("1.0.0", "2.0.0").replace(old, '""')
    after = set_image(text, "shop/cart", new)
    assert after == text.replace("1.0.0", '""').replace(old, new)


@pytest.mark.parametrize(
    "version",
    ["", "2.0.0 # x", "1.0.0+build.4", "a/b", "2:3", "${x}", "x\ny: 1", "a" * 129, "2@sha256:" + "b" * 64],
)
def test_what_no_image_can_have_is_refused(version: str) -> None:
    with pytest.raises(EditError, match="is no tag and no digest that an image can have"):
        set_image(KUSTOMIZATION, "registry.example.org/shop/cart", version)


def test_helm_values_get_the_new_tag_and_lose_a_digest_that_would_win() -> None:
    image = "    registry: ghcr.io\n    repository: shop/web\n    tag: 1.0.0\n    digest: sha256:1\n"
    values = f"web:\n  image:\n{image}"
    after = set_image(values, "ghcr.io/shop/web", "1.1.0")
    assert after == values.replace("1.0.0", "1.1.0").replace("sha256:1", '""')
    assert set_image("image: {repository: a/b}\n", "a/b", "2") == 'image: {repository: a/b, tag: "2"}\n'


def test_an_image_the_file_does_not_name_is_refused() -> None:
    with pytest.raises(EditError, match="does not name the image other/thing"):
        set_image(DEPLOYMENT, "other/thing", "1.0.0")


# --- the sample cases -------------------------------------------------------------------------------------


def _cases() -> list[Any]:
    return json.loads(CASES.read_text(encoding="utf-8"))["cases"] if CASES.exists() else []


@pytest.mark.shared
@pytest.mark.skipif(not CASES.exists(), reason="sample cases are not beside this repository")
@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["name"])
def test_the_samples_say_the_same_and_keep_their_comments(case: dict[str, Any]) -> None:
    """Their tool writes a file anew with its own indentation; here only the value changes."""
    if case["expect_error"]:
        with pytest.raises(EditError, match=case["error_contains"]):
            set_value(case["yaml"], case["path"], case["value"])
        return
    found = set_value(case["yaml"], case["path"], case["value"])
    assert yaml.safe_load(found) == yaml.safe_load(case["expected_yaml"])
    assert [line.split() for line in found.split("\n") if line.strip()] == [
        line.split() for line in case["expected_yaml"].split("\n") if line.strip()
    ]
