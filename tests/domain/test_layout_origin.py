"""A repository is recognised by whatever address it is called."""

from __future__ import annotations

import pytest

from gitopsui.domain.layout_origin import Origin, address_of, repository_name, shown_url


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/shop/config",
        "https://github.com/Shop/Config.git",
        "https://user:word@github.com:443/shop/config/",
        "git@github.com:shop/config.git",
        "ssh://git@github.com:22/shop/config",
        "https://github.com/shop/config?ref=main",
    ],
)
def test_one_repository_has_one_address(url: str) -> None:
    assert address_of(url) == "github.com/shop/config"
    assert repository_name(url) == "config"


def test_another_port_is_another_server() -> None:
    assert address_of("http://127.0.0.1:8418/config.git") == "127.0.0.1:8418/config"


def test_a_shown_address_has_no_password_and_fits_a_line() -> None:
    assert shown_url("https://user:word@example.org/x") == "https://example.org/x"
    assert len(shown_url("https://example.org/" + "x" * 1000)) == 160


@pytest.mark.parametrize(
    ("own", "named", "url", "is_own"),
    [
        ("https://a.org/shop/config", [], "git@a.org:shop/config", True),
        ("https://a.org/shop/config", [], "", True),
        ("https://a.org/shop/config", [], "https://b.org/shop/other", False),
        ("https://a.org/me/fork", [("https://b.org/up/stream", True)], "https://b.org/up/stream", True),
        ("https://a.org/me/fork", [("https://b.org/up/stream", False)], "https://b.org/up/stream", False),
        (
            "https://a.org/shop/config",
            [("https://a.org/shop/config", True), ("https://b.org/shop/other", True)],
            "https://b.org/shop/other",
            False,
        ),
        (
            "https://a.org/shop/config",
            [("https://a.org/shop/config", True), ("https://mirror.org/config.git", True)],
            "https://mirror.org/config.git",
            True,
        ),
        ("", [("https://b.org/up/stream", True)], "https://b.org/up/stream", True),
    ],
)
def test_a_document_names_the_repository_it_lies_in(
    own: str, named: list[tuple[str, bool]], url: str, is_own: bool
) -> None:
    assert Origin(own, named).is_own(url) is is_own
