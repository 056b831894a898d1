"""Copying a folder over another: what differs is found, what cannot be copied is said."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.domain.edit import EditError
from gitopsui.domain.edit_copy import (
    MAX_FILE_BYTES,
    MOST_FILES,
    CopiedFile,
    CopyRule,
    FolderFile,
    check_pattern,
    check_rule,
    plan_copy,
)
from gitopsui.domain.errors import InputError

RULE = CopyRule("env/dev/app", "env/prod/app")


def files(**contents: str) -> dict[str, FolderFile]:
    """`a__b_yaml="1"` is the file a/b.yaml with the content 1."""
    return {
        name.replace("__", "/").replace("_", "."): FolderFile(text, len(text))
        for name, text in contents.items()
    }


def told(
    source: dict[str, FolderFile], target: dict[str, FolderFile], rule: CopyRule = RULE
) -> dict[str, str]:
    return {one.path.removeprefix(f"{rule.target}/"): _word(one) for one in plan_copy(rule, source, target)}


def _word(one: CopiedFile) -> str:
    return "added" if one.old is None else "removed" if one.new is None else "changed"


def test_what_is_new_is_added_what_differs_changed_and_what_is_gone_removed() -> None:
    source = files(a_yaml="2", b_yaml="1", sub__c_yaml="1")
    target = files(a_yaml="1", b_yaml="1", old__d_yaml="1")
    assert told(source, target) == {"a.yaml": "changed", "sub/c.yaml": "added", "old/d.yaml": "removed"}


def test_the_same_on_both_sides_is_no_change() -> None:
    assert told(files(a_yaml="1"), files(a_yaml="1")) == {}


def test_a_file_that_may_be_run_differs_from_one_that_may_not() -> None:
    source = {"run.sh": FolderFile("1", 1, is_executable=True)}
    assert told(source, {"run.sh": FolderFile("1", 1)}) == {"run.sh": "changed"}


def test_only_the_named_parts_are_copied_and_nothing_else_is_removed() -> None:
    rule = CopyRule(RULE.source, RULE.target, only=("base", "kustomization.yaml"))
    source = files(base__a_yaml="2", base2__a_yaml="2", kustomization_yaml="2")
    target = files(base__b_yaml="1", base2__b_yaml="1", values_yaml="1")
    assert told(source, target, rule) == {
        "base/a.yaml": "added",
        "base/b.yaml": "removed",
        "kustomization.yaml": "added",
    }


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("replicas.yaml", {"replicas.yaml", "sub/replicas.yaml"}),
        ("/replicas.yaml", set()),
        ("sub/replicas.yaml", {"sub/replicas.yaml"}),
        ("sub", {"sub/replicas.yaml", "sub/deep/x.yaml"}),
        ("sub/", {"sub/replicas.yaml", "sub/deep/x.yaml"}),
        ("sub/*", {"sub/replicas.yaml", "sub/deep/x.yaml"}),
        ("sub/*.yaml", {"sub/replicas.yaml"}),
        ("**/x.yaml", {"x.yaml", "sub/deep/x.yaml"}),
        ("sub/**/x.yaml", {"sub/deep/x.yaml"}),
        ("sub/**", {"sub/replicas.yaml", "sub/deep/x.yaml"}),
        ("[rx]*.yaml", {"replicas.yaml", "sub/replicas.yaml", "x.yaml", "sub/deep/x.yaml"}),
        ("?.yaml", {"x.yaml", "sub/deep/x.yaml"}),
        ("*.yam", set()),
        ("a.b", set()),
    ],
)
def test_what_a_pattern_keeps_is_neither_written_nor_removed(pattern: str, kept: set[str]) -> None:
    everything = ["replicas.yaml", "sub/replicas.yaml", "sub/deep/x.yaml", "x.yaml", "aXb"]
    target = {path: FolderFile("1", 1) for path in everything}
    rule = CopyRule(RULE.source, RULE.target, keep=(pattern,))
    gone = set(told(files(new_yaml="1"), target, rule)) - {"new.yaml"}
    assert set(everything) - gone == kept


def test_a_file_of_the_source_that_is_kept_is_not_copied_either() -> None:
    rule = CopyRule(RULE.source, RULE.target, keep=("replicas.yaml",))
    source = files(replicas_yaml="1", a_yaml="1")
    assert told(source, files(replicas_yaml="9"), rule) == {"a.yaml": "added"}


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ({}, {"a": FolderFile("1", 1)}, "The folder env/dev/app is empty or not there"),
        ({"l": FolderFile("1", 1, odd="a symbolic link")}, {}, "dev/app/l is a symbolic link, which is"),
        ({"a": FolderFile("1", 1)}, {"m": FolderFile("1", 1, odd="a submodule")}, "app/m is a submodule"),
        ({"a\ufffd": FolderFile("1", 1)}, {}, "is not valid UTF-8"),
        ({"a": FolderFile("1", 1)}, {"a/b": FolderFile("1", 1)}, "a is a folder on one side and a file"),
        ({"a/b": FolderFile("1", 1)}, {"a": FolderFile("1", 1)}, "a is a folder on one side and a file"),
        ({"a": FolderFile("1", MAX_FILE_BYTES + 1)}, {}, "env/prod/app/a has 400,001 bytes"),
        ({f"f{n}": FolderFile("1", 1) for n in range(MOST_FILES + 1)}, {}, "401 files differ"),
        ({f"f{n}": FolderFile("1", 399_999) for n in range(11)}, {}, "4,399,989 bytes together"),
    ],
)  # fmt: skip
def test_what_cannot_be_copied_is_refused_as_a_whole_with_its_name(
    source: dict[str, FolderFile], target: dict[str, FolderFile], reason: str
) -> None:
    with pytest.raises(EditError) as caught:
        plan_copy(RULE, source, target)
    assert reason in caught.value.reason


def test_an_odd_entry_that_is_kept_or_not_asked_for_does_no_harm() -> None:
    source = files(a_yaml="1") | {"link": FolderFile("1", 1, odd="a symbolic link")}
    assert told(source, {}, CopyRule(RULE.source, RULE.target, keep=("link",))) == {"a.yaml": "added"}
    assert told(source, {}, CopyRule(RULE.source, RULE.target, only=("a.yaml",))) == {"a.yaml": "added"}


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (CopyRule("", "b"), "source"),
        (CopyRule("/a", "b"), "source"),
        (CopyRule("a", "b/../c"), "target"),
        (CopyRule("a", ".git/hooks"), "target"),
        (CopyRule("a", "a"), "source"),
        (CopyRule("env", "env/prod"), "source"),
        (CopyRule("env/prod/app", "env/prod"), "source"),
        (CopyRule("a", "b", only=("../x",)), "only"),
        (CopyRule("a", "b", keep=("a//b",)), "keep"),
        (CopyRule("a", "b", keep=("**/" * 600 + "x",)), "keep"),
    ],
)
def test_a_rule_that_could_not_work_names_the_field_to_blame(rule: CopyRule, field: str) -> None:
    with pytest.raises(InputError) as caught:
        check_rule(rule)
    assert caught.value.field == field


def test_neighbours_with_the_same_beginning_are_two_folders() -> None:
    check_rule(CopyRule("env/app", "env/app-prod"))


def test_a_pattern_of_many_stars_is_quick_on_a_long_path() -> None:
    pattern = "**/a*a*a*a*a*a*b"
    check_pattern(pattern)
    rule = CopyRule(RULE.source, RULE.target, keep=(pattern,))
    started = time.process_time()
    plan_copy(rule, files(new_yaml="1"), {"a" * 250: FolderFile("1", 1)})
    assert time.process_time() - started < 5


NAMES = st.dictionaries(
    st.sampled_from(["a", "b", "c/d", "c/e", "f/g/h"]), st.sampled_from("123"), min_size=1
)


@given(NAMES, NAMES)
def test_after_a_copy_both_folders_hold_the_same(source: dict[str, str], target: dict[str, str]) -> None:
    ours = {path: FolderFile(text, 1) for path, text in source.items()}
    theirs = {path: FolderFile(text, 1) for path, text in target.items()}
    after = dict(theirs)
    for one in plan_copy(RULE, ours, theirs):
        path = one.path.removeprefix("env/prod/app/")
        if one.new is None:
            del after[path]
        else:
            after[path] = one.new
    assert after == ours
