"""Figures as lines of a table that a document can take as it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, with its unit, and what it has to hold ("" where nothing is asked)."""

    subject: str
    name: str
    value: str
    limit: str = ""


def show(title: str, figures: list[Figure]) -> None:
    print(f"\n### {title}\n\n| what | figure | measured | to hold |\n|---|---|---|---|")
    for one in figures:
        print(f"| {one.subject} | {one.name} | {one.value} | {one.limit} |")
    print(flush=True)
