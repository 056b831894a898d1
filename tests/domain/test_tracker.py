"""Issue ids of a team's own tracker: found by a pattern that cannot take long."""

from __future__ import annotations

import time

import pytest

from gitopsui.domain.errors import InputError
from gitopsui.domain.tracker import Tracker, parse_tracker

URL = "https://tracker.example.org/browse/{id}"


def tracker(pattern: str = "[A-Z]+-[0-9]+") -> Tracker:
    found = parse_tracker(pattern, URL)
    assert found is not None
    return found


def test_ids_are_found_as_whole_words_each_once() -> None:
    assert tracker().find("Fix (SHOP-12), see PAY-3: SHOP-12. Not xSHOP-1 or SHOP-1x") == ["SHOP-12", "PAY-3"]


def test_an_id_is_quoted_in_its_address() -> None:
    assert tracker(".+").address("a/b?c") == "https://tracker.example.org/browse/a%2Fb%3Fc"


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a|a)*b", "(?=a)b", r"(a)\1", "a*a*a*a*a*b", "a?" * 22 + "a" * 22, "(", "x" * 201, ""],
)
def test_a_pattern_that_may_take_long_or_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_tracker(pattern, URL)
    assert caught.value.field == "tracker_pattern"


@pytest.mark.parametrize(
    "url", ["", "https://t.example.org/", "javascript:{id}", "https://u:p@t.example.org/{id}"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_tracker("A-[0-9]+", url)
    assert caught.value.field == "tracker_url"


def test_a_hostile_message_is_read_quickly() -> None:
    begun = time.process_time()
    tracker("a*a*a*a*b").find(("a" * 79 + " ") * 500)
    assert time.process_time() - begun < 20


def test_nothing_asked_is_no_tracker() -> None:
    assert parse_tracker("", "") is None
