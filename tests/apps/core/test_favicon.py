"""Browsers ask for an icon by themselves, signed in or not; that is no page that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

ROOT = Path(__file__).parents[3]


@pytest.mark.django_db
def test_the_icon_that_browsers_ask_for_leads_to_ours() -> None:
    answer = Client().get("/favicon.ico")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/static/img/favicon")


@pytest.mark.parametrize("name", ["403", "404", "500", "503"])
def test_an_error_page_names_the_icon(name: str) -> None:
    text = (ROOT / "templates" / f"{name}.html").read_text(encoding="utf-8")
    assert '{% extends "base.html" %}' in text or "img/favicon.svg" in text
