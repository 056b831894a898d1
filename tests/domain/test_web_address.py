"""Addresses of folders and commits on the Git hosts whose pages are known."""

from __future__ import annotations

import pytest

from gitopsui.domain.web_address import commit_address, folder_address, host_label

SHA = "91bc" * 10


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/shop/config.git", f"https://github.com/shop/config/tree/{SHA}/apps/cart"),
        ("git@github.com:shop/config.git", f"https://github.com/shop/config/tree/{SHA}/apps/cart"),
        ("ssh://git@gitlab.com:22/a/b/c", f"https://gitlab.com/a/b/c/-/tree/{SHA}/apps/cart"),
        ("https://gitlab.example.org/a/b", f"https://gitlab.example.org/a/b/-/tree/{SHA}/apps/cart"),
        ("https://codeberg.org/a/b", f"https://codeberg.org/a/b/src/commit/{SHA}/apps/cart"),
        ("https://gitea.example.org/a/b.git/", f"https://gitea.example.org/a/b/src/commit/{SHA}/apps/cart"),
        ("https://user:secret@github.com/a/b", f"https://github.com/a/b/tree/{SHA}/apps/cart"),
    ],
)
def test_a_folder_is_found_on_a_known_host(remote: str, address: str) -> None:
    assert folder_address(remote, SHA, "apps/cart") == address


@pytest.mark.parametrize(
    "remote",
    [
        "https://git.example.org/a/b",
        "https://notgithub.com/a/b",
        "https://github/a/b",
        "/srv/git/a.git",
        "",
        "https://github.com/",
        "https://github.com/../b",
        "javascript:alert(1)",
        "https://github.com\n.evil.example/a/b",
    ],
)
def test_any_other_host_has_no_address(remote: str) -> None:
    assert folder_address(remote, SHA, "apps") == ""
    assert commit_address(remote, SHA) == ""


def test_the_top_folder_is_the_repository_at_the_commit() -> None:
    assert folder_address("https://github.com/a/b", SHA, ".") == f"https://github.com/a/b/tree/{SHA}"


def test_a_path_is_escaped() -> None:
    assert folder_address("https://github.com/a/b", SHA, "a b/ü?#").endswith("/a%20b/%C3%BC%3F%23")


def test_what_is_no_commit_id_has_no_address() -> None:
    assert folder_address("https://github.com/a/b", "main", "apps") == ""
    assert folder_address("https://github.com/a/b", "", "apps") == ""


def test_a_commit_has_a_page_of_its_own() -> None:
    assert commit_address("https://gitlab.com/a/b", SHA) == f"https://gitlab.com/a/b/-/commit/{SHA}"
    assert host_label("https://gitlab.com/a/b") == "GitLab"
