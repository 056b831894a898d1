"""Rules that hold for every template: the Content-Security-Policy, no script needed, nothing unescaped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
TAGS = re.compile(r"<[a-z][^<>]*(?:<[^<>]*>[^<>]*)*>", re.IGNORECASE)

each_template = pytest.mark.parametrize(
    "path", TEMPLATES, ids=[str(path.relative_to(ROOT / "templates")) for path in TEMPLATES]
)


def tags(path: Path) -> list[str]:
    """The opening tags of a template, template language included."""
    return TAGS.findall(path.read_text(encoding="utf-8"))


def test_there_are_templates() -> None:
    assert len(TEMPLATES) > 40


@each_template
def test_nothing_is_inline_that_the_policy_forbids(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"""\sstyle\s*=\s*["']|\son[a-z]+\s*=\s*["']|<style|javascript:|hx-on""", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"""(?:src|href|action)=["']https?://""", text)


@each_template
def test_nothing_is_marked_safe(path: Path) -> None:
    assert not re.search(r"\|\s*safe\b|autoescape\s+off", path.read_text(encoding="utf-8"))


@each_template
def test_every_htmx_post_has_an_action_without_a_script(path: Path) -> None:
    for tag in tags(path):
        if " hx-post=" in tag:
            assert tag.startswith("<form")
            assert " action=" in tag


@each_template
def test_every_poll_morphs_what_it_asked_for(path: Path) -> None:
    for tag in tags(path):
        if "every " in tag:
            assert 'hx-swap="outerMorph"' in tag
            assert re.search(r'\sid="[a-z-]+"', tag)


@each_template
def test_every_form_that_writes_carries_a_token(path: Path) -> None:
    forms = re.findall(r'<form[^>]*method="post".*?</form>', path.read_text(encoding="utf-8"), re.DOTALL)
    assert all("csrf_token" in form or "core/_form.html" in form for form in forms)


def test_foreign_html_is_only_shown_where_htmx_does_not_look() -> None:
    for path in TEMPLATES:
        for line in path.read_text(encoding="utf-8").splitlines():
            if "{{ notes_html }}" in line:
                assert "hx-ignore" in line
                break


def test_a_partial_has_one_root_that_is_named_like_it() -> None:
    named = ["application_facts", "drift_table", "resource_tree", "board_table", "job_progress", "notes"]
    for name in named:
        path = next(path for path in TEMPLATES if path.name == f"_{name}.html")
        root = next(tag for tag in tags(path) if not tag.startswith("<!"))
        assert f'id="{name.replace("_", "-")}"' in root
