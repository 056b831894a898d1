from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.adapters.yaml_limits import Document, Limits
from gitopsui.adapters.yaml_loader import load
from gitopsui.domain.errors import UnreadableFile

ALIAS_TOWER = "a: &a [1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 8)}]\n"
    for below, name in zip("abcdefg", "bcdefgh", strict=True)
)
MERGE_TOWER = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n}\n  <<: [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 26)
)
LONG_TEXT_TOWER = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 200)}]\n"

REFUSED = [
    ("aliases that stand for millions of values", ALIAS_TOWER, "YAML_ALIASES", 6),
    ("merges that stand for millions of values", MERGE_TOWER, "YAML_ALIASES", 0),
    ("aliases that stand for megabytes of text", LONG_TEXT_TOWER, "YAML_ALIASES", 2),
    ("an alias inside its own value", "a: &a\n  b: *a\n", "YAML_ALIASES", 2),
    ("lists nested too deep", "a:\n  " + "[" * 70 + "]" * 70, "YAML_DEPTH", 2),
    ("mappings nested too deep", "{a: " * 70 + "1" + "}" * 70, "YAML_DEPTH", 1),
    ("lists that would crash the C loader", "[" * 50_000, "YAML_DEPTH", 1),
    ("a key given twice", "a: 1\nb: 2\na: 3\n", "YAML_DUPLICATE_KEY", 3),
    ("a key given twice in two spellings", '1: a\n"1": b\n', "YAML_DUPLICATE_KEY", 2),
    ("a key given twice below", "x:\n- {a: 1}\n- {b: 1,\n   b: 2}\n", "YAML_DUPLICATE_KEY", 4),
    ("a key given twice by an alias", "a: &k name\nb: {name: 1, *k : 2}\n", "YAML_DUPLICATE_KEY", 2),
    ("a tag that runs code", "a: !!python/object/apply:os.getcwd []\n", "YAML_TAG", 1),
    ("a tag of a program on a list", "a: !Sub [x]\n", "YAML_TAG", 1),
    ("a tag of a program on a text", "a: 1\nb: !vault x\n", "YAML_TAG", 2),
    ("a tag of another kind of node", "a: !!seq {}\n", "YAML_TAG", 1),
    ("a set", "a: !!set {x, y}\n", "YAML_TAG", 1),
    ("a tag under a foreign prefix", "%TAG ! tag:example.org,2000:\n---\na: !x 1\n", "YAML_TAG", 3),
    ("a date that is none", "a: !!timestamp 2024-02-30\n", "YAML_VALUE", 1),
    ("a merge of a text", "a: 1\n<<: b\n", "YAML_VALUE", 2),
    ("a merge of a list of texts", "<<: [b]\n", "YAML_VALUE", 1),
    ("not a number", "a:\n- .NaN\n", "YAML_NUMBER", 2),
    ("infinity", "a: -.inf\n", "YAML_NUMBER", 1),
    ("a list as a key", "? [a]\n: 1\n", "YAML_KEY", 1),
    ("a mapping as a key", "a: 1\n{b: c}: 1\n", "YAML_KEY", 2),
    ("null as a key", "~: 1\n", "YAML_KEY", 1),
    ("an alias of a list as a key", "a: &a [1]\n*a : 1\n", "YAML_KEY", 2),
    ("an unknown anchor", "a: *b\n", "YAML_SYNTAX", 1),
    ("a tab as indentation", "a:\n \tb: 1\n", "YAML_SYNTAX", 2),
    ("a bracket that is never closed", "a: [1\n", "YAML_SYNTAX", 2),
    ("a template", "a: 1\nb: {{ .Values.b }}\n", "YAML_KEY", 2),
    ("a control character", "a: 1\nb: \x01\n", "YAML_SYNTAX", 2),
    ("half a surrogate pair", 'a: "\\uD800"\n', "YAML_SYNTAX", 1),
    ("a broken second document", "a: 1\n---\nb: ]\n", "YAML_SYNTAX", 3),
]


def refusal(text: str | bytes, limits: Limits | None = None) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        load(text.encode() if isinstance(text, str) else text, limits or Limits())
    return caught.value


def value_of(text: str) -> Any:
    [document] = load(text.encode(), Limits())
    return document.value


@pytest.mark.parametrize(
    ("text", "code", "line"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_file_is_refused_with_a_code_and_a_line_at_once(text: str, code: str, line: int) -> None:
    started = time.thread_time()

    error = refusal(text)

    assert (error.code, line or error.line) == (code, error.line)
    assert time.thread_time() - started < 1, "seconds of work, however busy the machine is"
    assert error.message.endswith(".")


def test_the_message_names_the_key_and_both_lines() -> None:
    assert (
        refusal("a:\n  size: 1\n  size: 2\n").message
        == "Line 3: the key 'size' is given again, first in line 2."
    )


def test_the_message_says_that_a_tab_was_used() -> None:
    assert "a tab is used for indentation" in refusal("a:\n\tb: 1\n").message


def test_the_message_says_that_a_line_is_a_template() -> None:
    for text in ("a: 1\n{{ if .Values.b }}\nb: 2\n", "a: 1\nb: {{ .Values.b }}\n"):
        assert refusal(text).message == "Line 2 is a template, which has to be rendered first."


def test_no_message_repeats_a_value() -> None:
    texts = ["a: !!int hunter2", "b: hunter2: c", 'c: "hunter2', "<<: hunter2", "d: !!timestamp hunter2"]

    assert [text for text in texts if "hunter2" in refusal(text).message] == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_that_is_not_utf_8_is_refused_and_never_guessed(encoding: str) -> None:
    assert refusal("a: 1\nb: 2\n".encode(encoding)).code == "YAML_ENCODING"


def test_a_byte_that_is_no_utf_8_is_named_by_its_line() -> None:
    error = refusal(b"a: 1\nb: caf\xe9\n")

    assert (error.code, error.line) == ("YAML_ENCODING", 2)


def test_a_mark_at_the_beginning_and_carriage_returns_are_normal() -> None:
    assert load(b"\xef\xbb\xbfa: 1\r\nb: |\r\n  x\r\n  y\r\n", Limits()) == [
        Document(1, {"a": 1, "b": "x\ny\n"})
    ]


def test_empty_documents_are_left_out_and_the_others_carry_their_line() -> None:
    text = "# nothing\n---\n---\na: 1\n---\n# still nothing\n---\n\nb: 2\n...\n"

    assert load(text.encode(), Limits()) == [Document(4, {"a": 1}), Document(9, {"b": 2})]


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "--- # x\n...\n"])
def test_a_file_without_a_document_has_none(text: str) -> None:
    assert load(text.encode(), Limits()) == []


def test_anchors_are_opened_and_end_with_their_document() -> None:
    assert value_of("a: &x {k: [1]}\nb: *x\nc: &n name\n*n : d\n") == {
        "a": {"k": [1]},
        "b": {"k": [1]},
        "c": "name",
        "name": "d",
    }
    assert refusal("a: &x 1\n---\nb: *x\n").code == "YAML_SYNTAX"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{<<: *x, q: 2}", {"q": 2, "r": 1}),
        ("{q: 2, <<: *x}", {"q": 1, "r": 1}),
        ("{<<: [*x, *y]}", {"q": 1, "r": 1, "s": 3}),
        ("{<<: *x, <<: *y}", {"q": 3, "r": 1, "s": 3}),
        ("{<<: {q: 5}}", {"q": 5}),
        ('{"<<": 1}', {"<<": 1}),
        ("{'<<': *x}", {"<<": {"q": 1, "r": 1}}),
    ],
)
def test_a_merge_counts_where_it_stands_as_with_kubectl(text: str, expected: Any) -> None:
    assert value_of(f"x: &x {{q: 1, r: 1}}\ny: &y {{q: 3, s: 3}}\nv: {text}\n")["v"] == expected


def test_characters_of_every_kind_are_read() -> None:
    assert value_of('a: "\\0\\x7f\\u2028"\nb: 😀 \u202e\nc: =\n') == {
        "a": "\0\x7f\u2028",
        "b": "😀 \u202e",
        "c": "=",
    }


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(file_bytes=9), "a: 1234567\n"),
        (Limits(nodes=4), "a: [1, 2]\n"),
        (Limits(documents=1), "a: 1\n---\nb: 1\n"),
    ],
)
def test_a_file_over_a_size_limit_is_refused(limits: Limits, text: str) -> None:
    assert refusal(text, limits).code == "YAML_SIZE"


def test_a_file_at_its_limits_is_read() -> None:
    limits = Limits(nodes=8, depth=2, expanded_nodes=3, documents=1)

    assert load(b"a: &a [1, 2]\nb: *a\nc: 1\n", limits)[0].value == {"a": [1, 2], "b": [1, 2], "c": 1}


class TestJson:
    def test_escapes_that_yaml_has_not_are_read(self) -> None:
        assert value_of('{"a": "\\ud83d\\ude00\\/", "b": 1e3, "c": 0.5, "d": 12345678901234567890}') == {
            "a": "😀/",
            "b": 1000,
            "c": 0.5,
            "d": 12345678901234567890.0,
        }

    def test_half_a_surrogate_pair_becomes_a_replacement_character(self) -> None:
        assert value_of('{"a\\ud83d": "\\ud83d"}') == {"a\ufffd": "\ufffd"}

    @pytest.mark.parametrize(
        ("rest", "code"),
        [
            ('"b": 1, "b": 2}', "YAML_DUPLICATE_KEY"),
            ('"b": NaN}', "YAML_NUMBER"),
            ('"b": ' + "[" * 70 + "]" * 70 + "}", "YAML_DEPTH"),
            ('"b": ]', "YAML_SYNTAX"),
        ],
    )
    def test_the_same_limits_hold(self, rest: str, code: str) -> None:
        assert refusal('{"a": "\\ud83d\\ude00", ' + rest).code == code

    def test_the_number_of_values_is_limited(self) -> None:
        assert refusal('{"a": "\\ud83d\\ude00", "b": [1, 2, 3]}', Limits(nodes=7)).code == "YAML_SIZE"


SCALAR = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20)
TREE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(tree=st.dictionaries(st.text(max_size=8), TREE, min_size=1))
def test_what_was_written_as_yaml_or_json_is_read_as_it_was(tree: dict[str, Any]) -> None:
    assert [document.value for document in load(json.dumps(tree).encode(), Limits())] == [tree]
    written = yaml.safe_dump(tree, default_style='"', allow_unicode=False).encode()
    assert [document.value for document in load(written, Limits())] == [tree]


@given(data=st.binary(max_size=200))
def test_whatever_the_bytes_are_only_our_own_error_is_raised(data: bytes) -> None:
    with suppress(UnreadableFile):
        load(data, Limits())
