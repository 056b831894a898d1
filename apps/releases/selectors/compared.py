"""A comparison, or a whole release train, as Markdown, HTML and plain data. No queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from apps.releases.selectors.comparison import MOST_ROWS, CommitLine, Comparison
from apps.releases.selectors.config_commits import ConfigRow
from apps.releases.selectors.train import Train, Wagon
from gitopsui.domain.note_overrides import from_dict, without_internals
from gitopsui.domain.notes import to_html, to_markdown
from gitopsui.domain.notes_text import MARKDOWN_LIMIT, escape_markdown

LEAST_SHARE = 2_000  # characters of one component of a train


def as_markdown(
    comparison: Comparison, notes: Mapping[str, Any], *, is_public: bool, limit: int = MARKDOWN_LIMIT
) -> str:
    """
    The notes, and below them what a reviewer must not miss; customers get the notes alone. `limit` is of the
    notes, in characters.
    """
    if is_public:
        return to_markdown(from_dict(without_internals(notes)), limit=limit)
    parts = [to_markdown(from_dict(notes), limit=limit)]
    if comparison.lost:
        parts.append(_listed("Would be lost", comparison.lost))
    if comparison.already:
        parts.append(_listed("Already there", comparison.already))
    return "\n".join(parts)


def _listed(title: str, lines: Sequence[CommitLine]) -> str:
    """The heading says how many there are, also where not all are listed."""
    shown = [f"- {escape_markdown(line.text)} ({_details(line)})" for line in lines[:MOST_ROWS]]
    rest = len(lines) - len(shown)
    more = [f"- … and {rest:,} more"] if rest > 0 else []
    return "\n".join([f"### {title} ({len(lines)})", "", *shown, *more, ""])


def _details(line: CommitLine) -> str:
    return f"{line.sha[:8]}, {line.reason}" if line.reason else line.sha[:8]


def as_html(notes: Mapping[str, Any], *, is_public: bool) -> str:
    return to_html(from_dict(without_internals(notes) if is_public else notes))


def as_data(
    comparison: Comparison, notes: Mapping[str, Any], config: Sequence[ConfigRow], *, is_public: bool
) -> dict[str, Any]:
    """For JSON; customers get the notes alone."""
    if is_public:
        return {"notes": without_internals(notes)}
    return {
        "from": asdict(comparison.source),
        "into": asdict(comparison.target),
        "notes": notes,
        "already_there": [asdict(line) for line in comparison.already],
        "lost": [asdict(line) for line in comparison.lost],
        "config_commits": [_config_row(row) for row in config],
    }


def _config_row(row: ConfigRow) -> dict[str, Any]:
    carried = row.carried
    return {
        "environment": row.environment,
        "sha": row.sha,
        "subject": row.subject,
        "author": row.author,
        "at": row.at,
        "previous_version": row.previous_version,
        "version": row.version,
        "change": row.change,
        "commits": carried.arrives_count if carried and not carried.reason else None,
        "commits_gone": carried.lost_count if carried and not carried.reason else None,
    }


# ── a release train ──────────────────────────────────────────────────────────


def train_markdown(train: Train, heading: str, *, is_public: bool, limit: int = MARKDOWN_LIMIT) -> str:
    """
    Everything that breaks first, then each component. At most about `limit` characters: what is longer is
    cut in each component, and a component that has no room any more is named.
    """
    parts = [f"# {escape_markdown(heading)}\n", *_markdown_summary(train)]
    size, cut = sum(map(len, parts)), []
    for number, wagon in enumerate(train.wagons):
        share = max(LEAST_SHARE, (limit - size) // (len(train.wagons) - number))
        text = _wagon_markdown(wagon, is_public=is_public, limit=share)
        if size + len(text) > limit:
            cut.append(wagon.name)
            continue
        parts.append(text)
        size += len(text)
    return "\n".join([*parts, *_markdown_end(train, cut)])


def _markdown_summary(train: Train) -> Iterator[str]:
    if train.breaking:
        lines = [
            f"- **{escape_markdown(wagon.name)}:** {escape_markdown(str(entry['text']))}"
            for wagon, entry in train.breaking[:MOST_ROWS]
        ]
        yield "\n".join([f"## Breaking changes ({len(train.breaking)})", "", *lines, ""])


def _wagon_markdown(wagon: Wagon, *, is_public: bool, limit: int) -> str:
    if wagon.problem:
        return f"## {escape_markdown(wagon.name)}\n\n{escape_markdown(wagon.problem)}\n"
    return as_markdown(wagon.comparison, _titled(wagon), is_public=is_public, limit=limit)


def _titled(wagon: Wagon) -> dict[str, Any]:
    """The notes under the name of the component."""
    source, target = wagon.source_version, wagon.target_version
    return dict(wagon.notes) | {"head": f"{wagon.name} {source}".strip(), "base": target}


def _markdown_end(train: Train, cut: Sequence[str]) -> Iterator[str]:
    if train.level:
        yield f"Level: {escape_markdown(', '.join(train.level))}.\n"
    if cut:
        yield f"Left out for length: {escape_markdown(', '.join(cut))}.\n"
    if train.left_out:
        yield f"… and {train.left_out:,} components that were not looked into.\n"


def train_html(train: Train, *, is_public: bool) -> str:
    """One component after the other, without any attribute."""
    return "".join(
        as_html(_titled(wagon), is_public=is_public) for wagon in train.wagons if not wagon.problem
    )


def train_data(train: Train, source: str, target: str, *, is_public: bool) -> dict[str, Any]:
    """For JSON: `components` differ, `level` are the same, `left_out` how many were not looked into."""
    return {
        "from": source,
        "into": target,
        "components": [_wagon_data(wagon, is_public=is_public) for wagon in train.wagons],
        "breaking_changes": [
            {"component": wagon.name, "text": entry["text"], "breaking": entry["breaking"]}
            for wagon, entry in train.breaking
        ],
        "level": train.level,
        "left_out": train.left_out,
    }


def _wagon_data(wagon: Wagon, *, is_public: bool) -> dict[str, Any]:
    if wagon.problem:
        return {"component": wagon.name} | ({} if is_public else {"problem": wagon.problem})
    told = as_data(wagon.comparison, wagon.notes, wagon.config.rows, is_public=is_public)
    if is_public:
        return {"component": wagon.name, **told}
    counts = {
        "arrives": wagon.arrives_count,
        "already_there": wagon.already_count,
        "lost": wagon.lost_count,
    }
    return {"component": wagon.name, "counts": counts, **told}
