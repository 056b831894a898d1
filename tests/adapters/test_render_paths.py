from __future__ import annotations

import pytest

from gitopsui.adapters.git_output import EntryKind, TreeEntry
from gitopsui.adapters.render_paths import TreeIndex, is_remote, resolve, shown
from gitopsui.domain.errors import RenderError


@pytest.mark.parametrize(
    "reference",
    [
        "https://example.org/x.yaml",
        "HTTP://example.org/x.yaml",
        "github.com/org/repo//path?ref=v1",
        "GitHub.com/org/repo",
        "gh:org/repo",
        "git@example.org:org/repo",
        "someone@example.org/org/repo",
        "ssh://example.org/repo",
        "file:///etc",
        "git::https://example.org/repo",
        "git::ext::sh -c id",
        "ext::sh -c id",
        "oci://example.org/chart",
        " https://example.org/x.yaml",
    ],
)
def test_what_a_tool_would_fetch_is_remote(reference: str) -> None:
    assert is_remote(reference)


@pytest.mark.parametrize(
    "reference", ["../base", "x.yaml", "./a/b", "github.computer/x", "a/b@c", "charts/x-1.2.tgz"]
)
def test_a_path_is_not_remote(reference: str) -> None:
    assert not is_remote(reference)


@pytest.mark.parametrize(
    ("folder", "reference", "path"),
    [
        ("", "apps/cart", "apps/cart"),
        ("", ".", ""),
        ("", "./apps//cart/", "apps/cart"),
        ("apps/cart", "../base", "apps/base"),
        ("apps/cart", "../..", ""),
        ("apps/cart", "x/../y.yaml", "apps/cart/y.yaml"),
    ],
)
def test_a_path_inside_is_resolved(folder: str, reference: str, path: str) -> None:
    assert resolve(folder, reference) == path


@pytest.mark.parametrize(
    ("folder", "reference"),
    [
        ("", ".."),
        ("apps", "../.."),
        ("apps", "../../apps"),
        ("", "/etc/passwd"),
        ("", "a\\..\\b"),
        ("", "a\0b"),
    ],
)
def test_a_path_that_leads_outside_is_refused(folder: str, reference: str) -> None:
    with pytest.raises(RenderError) as caught:
        resolve(folder, reference)

    assert (caught.value.code, caught.value.permanent) == ("PATH_OUTSIDE", True)


def test_a_foreign_word_is_shown_without_its_control_characters_and_cut() -> None:
    assert shown("a\x1b[31m\n") == r"'a\x1b[31m\n'"
    assert len(shown("x" * 5000)) < 210


def entry(path: str, kind: EntryKind = EntryKind.FILE) -> TreeEntry:
    return TreeEntry("100644", kind, "0" * 40, path, 1)


INDEX = TreeIndex(
    [
        entry("apps/cart/a.yaml"),
        entry("apps/cart-x/b.yaml"),
        entry("apps/cart.yaml"),
        entry("link", EntryKind.SYMLINK),
        entry("module", EntryKind.SUBMODULE),
        entry("apps", EntryKind.FOLDER),
    ]
)


def test_a_folder_is_told_from_a_file_and_from_its_neighbours() -> None:
    assert INDEX.is_folder("")
    assert INDEX.is_folder("apps/cart")
    assert not INDEX.is_folder("apps/car")
    assert not INDEX.is_folder("apps/cart.yaml")
    assert [found.path for found in INDEX.below("apps/cart")] == ["apps/cart/a.yaml"]
    assert len(INDEX.below("")) == 5


def test_a_link_or_submodule_in_the_way_is_found() -> None:
    for path in ("link", "link/x/y", "module/x"):
        assert INDEX.find_link(path) is not None
    assert INDEX.find_link("apps/cart/a.yaml") is None
