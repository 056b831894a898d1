from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsui.domain.quantity import parse_quantity
from tests.domain.samples import load_sample, needs_samples

SAMPLES = load_sample("quantity/quantity.json")


def _exact(case: dict[str, object]) -> Fraction:
    return int(str(case["mantissa"])) * Fraction(10) ** int(str(case["exponent"]))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1000m", "1"),
        ("0.1", "100m"),
        ("3072Mi", "3Gi"),
        ("1024Mi", "1Gi"),
        (3072, "3072"),
        (0.5, "500m"),
        ("1e3", "1k"),
    ],
)
def test_amounts_are_equal_whatever_their_spelling(left: str | float, right: str) -> None:
    assert parse_quantity(left) == parse_quantity(right)


@pytest.mark.parametrize(
    "text", ["", ".", "-", "1K", "0.1mi", " 1", "1 ", "1\n", "one", "1..2", "1e", "１", "1e99999999999"]
)
def test_what_kubernetes_rejects_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"quantity|exponent"):
        parse_quantity(text)


@pytest.mark.parametrize("value", [True, None, [], float("nan"), float("inf"), 10**400])
def test_values_that_are_no_amount_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="quantity"):
        parse_quantity(value)  # type: ignore[arg-type]


def test_the_smallest_amount_is_a_billionth_and_rounding_goes_away_from_zero() -> None:
    assert parse_quantity("0.1n") == Fraction(1, 10**9)
    assert parse_quantity("-0.1n") == Fraction(-1, 10**9)


def test_only_short_decimal_numbers_pass_the_ceiling() -> None:
    assert parse_quantity("9Ei") == 2**63 - 1
    assert parse_quantity("12E") == 12 * 10**18


def test_a_huge_exponent_ends_at_once() -> None:
    assert parse_quantity("1e2000000000") > 10**500


@needs_samples
@pytest.mark.shared
@pytest.mark.parametrize("case", SAMPLES.get("parse", ()), ids=lambda case: case["input"])
def test_the_samples_of_kubernetes_have_their_exact_value(case: dict[str, object]) -> None:
    assert parse_quantity(str(case["input"])) == _exact(case)


@needs_samples
@pytest.mark.shared
@pytest.mark.parametrize("text", SAMPLES.get("invalid", ()))
def test_the_samples_that_kubernetes_rejects_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantity"):
        parse_quantity(text)


@needs_samples
@pytest.mark.shared
def test_the_samples_saturate_print_and_order_as_in_kubernetes() -> None:
    for case in SAMPLES["saturate_to_int64_max"]:
        assert parse_quantity(case["input"]) == 2**63 - 1
    for case in SAMPLES["canonical_string"]:
        spellings = filter(None, (case["canonical"], case["alternate_input"]))
        assert {parse_quantity(text) for text in spellings} == {_exact(case)}
    for case in SAMPLES["parse_emit"]:
        assert parse_quantity(case["input"]) == parse_quantity(case["canonical"])
    for case in SAMPLES["compare"]:
        left, right = parse_quantity(case["x"]), parse_quantity(case["y"])
        assert (left > right) - (left < right) == case["expected"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    try:
        amount = parse_quantity(text)
    except ValueError:
        return
    assert isinstance(amount, Fraction)
