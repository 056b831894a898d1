"""Patterns that people type: those that can take for ever are told apart by their form."""

from __future__ import annotations

import pytest

from gitopsui.domain.pattern import is_quick


@pytest.mark.parametrize(
    "pattern",
    [
        r"^v(?P<version>.+)$",
        r"^cart/v(?P<version>\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)\.?\d*)?)$",
        r"v?(?P<version>\d+(\.\d+)*(-[\w.]+)?)$",
        r"^(?P<version>(?:\d+\.)*\d+)$",
        r"^v(?P<major>\d+)\.(?P<minor>\d+)\.(?P<patch>\d+)(?:-(?P<pre>[\w.-]+))?(?:\+(?P<meta>[\w.-]+))?$",
        r"(?P<version>\d{4}\.\d{1,2}\.\d{1,2})",
        r"^[a-z-]+-v(?P<version>.+)$",
        r"^release[-_/]v?(?P<version>\d+(?:\.\d+){0,3})$",
        r"(?i)^V(?P<version>(?:[a-c]\d)*)$",
        r"(?:SHOP|PAY|CART|OPS|WEB)-\d+",
    ],
)
def test_what_people_write_is_quick(pattern: str) -> None:
    assert is_quick(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^v(?P<version>(\d+\.?)+)$",
        r"(a|aa)+$",
        r"(.*)*x",
        "a?" * 22 + "a" * 22,
        r"(\w+\s?)*$",
        r"(?:\.\w*\w{0,3}){1,20}!",
        r"(?:(?:\d{0,3})?\.a)+[a-z]$",
        r"(?:a(?:b{0,3}|-?\.{0,3})){1,20}-$",
        r"(?:b(?:a*a?))*!",
        r".*.*.*[xy]",
        r"(?=a)b",
        r"(a)\1",
        r"(?:(?:a+))+b",
    ],
)
def test_what_can_be_split_in_many_ways_is_not(pattern: str) -> None:
    assert not is_quick(pattern)
