"""A CHANGELOG file is read from Git once, whatever it holds, and compared with the tags."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.environments.models import Component
from apps.releases import rendering
from apps.releases.models import Changelog, Release, ReleasePolicy
from apps.releases.services.changelogs import MOST_BYTES, update_changelog
from tests.adapters.git_http import File, Seed, link
from tests.apps.releases.conftest import Shop
from tests.domain.samples import load_bad_input, needs_samples

KEPT = b"## [Unreleased]\n- soon\n\n## [1.1.0] - 2026-02-01\n### Added\n- **x**\n\n## 1.0.0\n- y\n"


@dataclass
class Rendering:
    """The real renderer, counted."""

    asked: list[int] = field(default_factory=list)

    def __call__(self, texts: Any) -> list[rendering.Rendered]:
        self.asked.append(len(texts))
        return rendering.render_markdown(texts)


def store(
    shop: Shop, files: dict[str, bytes | File | None], render: Any = rendering.render_markdown
) -> Changelog | None:
    shop.seed.commit({path: File(data) if isinstance(data, bytes) else data for path, data in files.items()})
    shop.source.default_branch = "main"
    shop.source.save()
    component = Component.objects.select_related("source").get(pk=shop.component.pk)
    update_changelog(component, git=shop.seed.as_repository(), render=render)
    return Changelog.objects.filter(component=component).first()


def tag(shop: Shop, version: str) -> None:
    Release.objects.create(
        component=shop.component, tag=f"v{version}", version=version, commit_sha="a" * 40,
        dated_at=datetime(2026, 2, 1, tzinfo=UTC),
    )  # fmt: skip


def test_a_changelog_is_stored_with_what_differs_from_the_tags(shop: Shop) -> None:
    for version in ("1.1.0", "1.4.0", "0.9.0"):
        tag(shop, version)
    found = store(shop, {"CHANGELOG.md": KEPT})
    assert found is not None
    assert [(one["version"], one["date"]) for one in found.entries] == [
        ("", None),
        ("1.1.0", "2026-02-01"),
        ("1.0.0", None),
    ]
    assert "<strong>x</strong>" in found.entries[1]["html"]
    assert found.differences == ["1.4.0 has a tag and no entry.", "1.0.0 has an entry and no tag."]
    assert (found.path, found.error) == ("CHANGELOG.md", "")


def test_the_same_file_is_not_rendered_again_but_compared_again(shop: Shop) -> None:
    render = Rendering()
    store(shop, {"CHANGELOG.md": KEPT}, render)
    tag(shop, "1.4.0")
    found = store(shop, {"other": b"x"}, render)
    assert len(render.asked) == 1
    assert found is not None
    assert "1.4.0 has a tag and no entry." in found.differences


def test_a_changelog_that_is_gone_is_forgotten(shop: Shop) -> None:
    assert store(shop, {"changes.MD": KEPT}) is not None
    assert store(shop, {"changes.MD": None}) is None


def test_a_component_of_a_monorepo_has_its_own(shop: Shop) -> None:
    ReleasePolicy.objects.create(component=shop.component, paths=["services/cart/"])
    found = store(shop, {"CHANGELOG.md": b"## 9.0.0", "services/cart/CHANGELOG.md": b"## 1.0.0"})
    assert found is not None
    assert found.path == "services/cart/CHANGELOG.md"


def test_a_link_is_not_followed(shop: Shop) -> None:
    assert store(shop, {"CHANGELOG.md": link("/etc/passwd")}) is None


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\0\1\2", "It is not text."),
        (b"a" * (MOST_BYTES + 1), "It has 1,048,577 bytes; up to 1,048,576 are read."),
    ],
    ids=["binary", "large"],
)
def test_what_cannot_be_read_is_said(shop: Shop, data: bytes, error: str) -> None:
    found = store(shop, {"CHANGELOG.md": data})
    assert found is not None
    assert (found.error, found.entries) == (error, [])


def test_a_file_without_versions_is_shown_whole(shop: Shop) -> None:
    found = store(shop, {"CHANGELOG.md": b"# News\n\n- **all** is new\n"})
    assert found is not None
    assert found.error == "No heading in it names a version."
    assert "<strong>all</strong>" in found.entries[0]["html"]


def test_a_mirror_that_is_not_there_takes_nothing_away(shop: Shop, tmp_path: Path) -> None:
    store(shop, {"CHANGELOG.md": KEPT})
    missing = Seed(tmp_path / "missing.git").as_repository()
    update_changelog(shop.component, git=missing, render=rendering.render_markdown)
    assert Changelog.objects.count() == 1


def test_a_component_without_a_repository_has_none(shop: Shop) -> None:
    store(shop, {"CHANGELOG.md": KEPT})
    shop.component.source = None
    update_changelog(shop.component, git=None, render=rendering.render_markdown)
    assert not Changelog.objects.exists()


@pytest.mark.shared
@needs_samples
@pytest.mark.parametrize(
    "case", load_bad_input("changelog") + load_bad_input("markdown"), ids=lambda case: str(case["id"])
)
def test_bad_files_are_stored_harmless(shop: Shop, case: dict[str, Any]) -> None:
    found = store(shop, {"CHANGELOG.md": case["text"].encode()})
    assert found is not None
    told = "".join(entry["html"] for entry in found.entries).lower()
    for word in ("<script", "<svg", "<img", "<form", "<style", "<iframe", "onload=", 'href="javascript'):
        assert word not in told
    if case["outcome"] == "FALLBACK_TEXT":
        assert found.error or any(entry["problems"] for entry in found.entries)
