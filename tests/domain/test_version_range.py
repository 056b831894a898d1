"""A range allows what the tools that deploy by ranges allow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from gitopsui.domain.errors import InputError
from gitopsui.domain.precedence import coerce_version, precedence_of
from gitopsui.domain.version_range import VersionRange

from .samples import load_sample, needs_samples


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("^1.2.3", ("1.2.3", "1.9.0"), ("1.2.2", "2.0.0", "1.3.0-rc.1")),
        ("^0.2.3", ("0.2.3", "0.2.9"), ("0.3.0", "1.2.3")),
        ("^0.0.3", ("0.0.3",), ("0.0.4",)),
        ("^*", ("0.0.0", "7.0.0"), ("7.0.0-rc.1",)),
        ("~1.2", ("1.2.0", "1.2.9"), ("1.3.0",)),
        ("~>1.2.3", ("1.2.3", "1.2.9"), ("1.2.2", "1.3.0")),
        ("1.x", ("1.0.0", "1.9.9"), ("2.0.0",)),
        ("1.2.*", ("1.2.0",), ("1.3.0",)),
        ("*", ("0.0.0", "9.9.9"), ("1.0.0-rc.1",)),
        ("", ("0.0.0", "9.9.9"), ("1.0.0-rc.1",)),
        ("1 - 2", ("1.0.0", "2.9.9"), ("0.9.9", "3.0.0")),
        (">=1.1 <2 !=1.2.3", ("1.1.0", "1.2.4"), ("1.2.3", "2.0.0")),
        (">=1.1,<2||>3", ("1.5.0", "4.0.0"), ("2.0.0", "3.9.0")),
        ("v1.2.3", ("1.2.3",), ("1.2.4",)),
        (">=1.0.0-0", ("1.0.0-rc.1", "1.0.0"), ("0.9.0",)),
        ("!=1.2.3", ("1.2.4", "1.2.4-rc.1"), ("1.2.3",)),
        ("!=1.2", ("1.3.0",), ("1.2.0", "1.3.0-rc.1")),
    ],
)
def test_a_range_allows_what_is_inside(text: str, inside: tuple[str, ...], outside: tuple[str, ...]) -> None:
    versions = VersionRange.parse(text)

    assert [v for v in inside if not versions.allows(Version.parse(v))] == []
    assert [v for v in outside if versions.allows(Version.parse(v))] == []


@pytest.mark.parametrize(
    "text",
    ["1.0.0p", "1x", "x1", "-1", "a", "||", "1 ||", ">", "1.2.3.4", "1,,2", "1" * 600, "01.x0", "=>=1"],
)
def test_a_text_that_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        VersionRange.parse(text)

    assert refusal.value.code == "VERSION_RANGE"


def test_a_text_is_coerced_and_nonsense_is_in_no_range() -> None:
    versions = VersionRange.parse(">=1")

    assert versions.allows("v1.2")
    assert not versions.allows("latest")


def test_pre_releases_can_be_let_in() -> None:
    assert not VersionRange.parse("^1").allows("1.2.0-rc.1")
    assert VersionRange.parse("^1", include_prerelease=True).allows("1.2.0-rc.1")


@given(
    st.text(alphabet="01x*v.-+ ,|<>=~^!ab", max_size=40),
    st.sampled_from(["0.0.0", "1.0.0", "1.1.1-a", "10.0.1"]),
)
def test_a_range_is_either_refused_or_answers(text: str, version: str) -> None:
    try:
        versions = VersionRange.parse(text)
    except InputError:
        return
    assert versions.allows(version) in (True, False)


# ---- sample cases ----

MASTERMINDS = load_sample("semver/masterminds.json")
FLUX = load_sample("semver/flux_image_policy.json")


def _cases(*names: str) -> list[Any]:
    return [pytest.param(case, name, id=_id(case)) for name in names for case in MASTERMINDS.get(name, ())]


def _id(case: dict[str, Any]) -> str:
    return " ".join(str(value) for value in case.values())


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize(
    ("case", "name"),
    _cases("single_constraint_check", "constraints_check", "constraints_check_include_prerelease"),
)
def test_a_range_allows_what_masterminds_allows(case: dict[str, Any], name: str) -> None:
    versions = VersionRange.parse(case["constraint"], include_prerelease=name.endswith("include_prerelease"))

    assert versions.allows(case["version"]) is case["expected"]


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", MASTERMINDS.get("parse_constraint", ()), ids=_id)
def test_a_range_is_taken_apart_as_masterminds_does(case: dict[str, Any]) -> None:
    if case["expect_error"]:
        with pytest.raises(InputError):
            VersionRange.parse(case["constraint"])
        return
    groups = VersionRange.parse(case["constraint"]).groups

    assert (len(groups), len(groups[0])) == (case["or_groups"], case["and_in_first_group"])


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", MASTERMINDS.get("parse_version_loose", ()), ids=_id)
def test_a_loose_version_is_coerced_as_masterminds_does(case: dict[str, Any]) -> None:
    assert (coerce_version(case["version"]) is None) is case["expect_error"]


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", MASTERMINDS.get("coerce", ()), ids=_id)
def test_a_coerced_version_is_the_one_masterminds_makes(case: dict[str, Any]) -> None:
    assert str(coerce_version(case["version"])) == case["expected"]


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", MASTERMINDS.get("compare", ()), ids=_id)
def test_coerced_versions_compare_as_in_masterminds(case: dict[str, Any]) -> None:
    left, right = (coerce_version(case[side]) for side in ("a", "b"))
    assert left is not None
    assert right is not None
    a, b = precedence_of(left), precedence_of(right)

    assert (a > b) - (a < b) == case["expected"]


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", FLUX.get("semver", ()), ids=lambda case: str(case["label"]))
def test_the_newest_tag_in_a_range_is_the_one_flux_takes(case: dict[str, Any]) -> None:
    versions = VersionRange.parse(case["range"])

    allowed = [tag for tag in case["versions"] if versions.allows(tag)]
    newest = max(allowed, key=lambda tag: precedence_of(coerce_version(tag) or Version(0)), default=None)

    assert newest == case["expected"]


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize("case", FLUX.get("semver_range_valid", ()), ids=lambda case: str(case["label"]))
def test_the_ranges_flux_refuses_are_refused(case: dict[str, Any]) -> None:
    # An empty range means any version in Masterminds' own cases; Flux asks for one before it parses it.
    for text in filter(None, case["semverRanges"]):
        if case.get("expectErr"):
            with pytest.raises(InputError):
                VersionRange.parse(text)
        else:
            VersionRange.parse(text)
