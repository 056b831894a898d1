"""JSON values as YAML for people: what a YAML reader makes of it is the value again."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.domain.yaml_text import to_yaml

WORDS = st.text(alphabet="abcmsM019 :#-'\"\\\n.*&!%@`{}[],|>?~=/", max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_reads_back_as_it_was(value: Any) -> None:
    assert yaml.safe_load(to_yaml(value)) == value


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a\nb\n", "k: |\n  a\n  b\n"),
        ("a\nb", "k: |-\n  a\n  b\n"),
        ("a\nb\n\n", "k: |+\n  a\n  b\n\n"),
        ("a\n", "k: |\n  a\n"),
        (" a\nb", "k: |2-\n   a\n  b\n"),
        ("a\n\nb", "k: |-\n  a\n\n  b\n"),
    ],
)
def test_the_end_of_a_text_is_seen_at_its_head(text: str, written: str) -> None:
    assert to_yaml({"k": text}) == written


@pytest.mark.parametrize(
    "text", ["yes", "5", "1e3", "0x1f", "null", "", "a: b", "a #b", "- a", "~", "1_000", "1:30"]
)
def test_a_text_that_would_read_as_something_else_is_quoted(text: str) -> None:
    assert to_yaml(text) == f'"{text}"\n'


@pytest.mark.parametrize(
    "text", ["info", "shop/cart:1.4.0", "apps/v1", "app.kubernetes.io/name", "a b", "DE,AT", "512Mi", "5s"]
)
def test_an_ordinary_text_stands_as_it_is(text: str) -> None:
    assert to_yaml(text) == f"{text}\n"


def test_an_item_of_a_list_stands_under_its_key() -> None:
    assert to_yaml({"a": [{"b": 1, "c": [2]}, []]}) == "a:\n- b: 1\n  c:\n  - 2\n- []\n"
