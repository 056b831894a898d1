"""Reads what the forges of source repositories say of the commits that a promotion releases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.utils.dateparse import parse_datetime

from apps.promotions.models import Promotion
from apps.promotions.selectors.checks import Released, released_commits
from apps.promotions.selectors.policies import policy_of
from apps.promotions.services.claims import Claim
from apps.repositories.models import Repository
from gitopsui.adapters.forge.base import CommitStatus
from gitopsui.domain.errors import ForgeError
from gitopsui.domain.text import clean_text

SOON = timedelta(minutes=1)  # what is not there yet or failed is asked for again
LATER = timedelta(minutes=5)  # what has passed may be taken back
MOST_ASKED = 25  # commits in one turn; the next turn asks about the others
MOST_DETAIL = 300
Row = Mapping[str, Any]


class CheckReader(Protocol):
    """What of a forge is needed."""

    def list_checks(self, sha: str) -> list[CommitStatus]: ...


SourceForge = Callable[[Repository], CheckReader | None]


def no_forge(repository: Repository) -> CheckReader | None:
    """Nobody can be asked."""
    return None


def read_source_checks(claim: Claim, forge_of: SourceForge, *, now: datetime) -> None:
    """
    Store what the released commits have of the checks that the environment requires of them. A forge that
    does not answer keeps the gate shut with its reason, and nothing else. Nobody is asked, and nothing read,
    where none is required.
    """
    promotion = claim.promotion
    policy = policy_of(promotion.environment)
    names = [str(name) for name in policy.source_checks]
    if not names:
        return
    rows = promotion.items.select_related("application", "component__source")
    wanted = [(_with_component(item), item.to_version) for item in rows]
    stored = list(_rows(promotion, released_commits(policy, wanted), names, forge_of, now))
    if stored != promotion.source_checks:
        claim.write(source_checks=stored)


def _with_component(item: Any) -> Any:
    item.application.component = item.component
    return item.application


def _rows(
    promotion: Promotion, commits: Sequence[Released], names: list[str], forge_of: SourceForge, now: datetime
) -> Iterator[Row]:
    known = {(one["repository"], one["sha"]): one for one in promotion.source_checks}
    asked = 0
    places = dict.fromkeys((one.repository, one.sha) for one in commits if one.repository and one.sha)
    for repository, sha in places:
        row = known.get((repository.pk, sha))
        if (row is None or _is_due(row, names, now)) and asked < MOST_ASKED:
            asked += 1
            row = _ask(repository, sha, names, forge_of, now)
        if row is not None:
            yield row


def _is_due(row: Row, names: list[str], now: datetime) -> bool:
    asked_at = parse_datetime(row["asked_at"])
    has_passed = not row["error"] and {one["name"] for one in row["checks"] if one["state"] == "success"}
    pause = LATER if has_passed == set(names) else SOON
    return asked_at is None or row["names"] != names or now - asked_at >= pause


def _ask(repository: Repository, sha: str, names: list[str], forge_of: SourceForge, now: datetime) -> Row:
    told: dict[str, Any] = {
        "repository": repository.pk, "sha": sha, "asked_at": now.isoformat(), "names": names,
        "error": "", "checks": [],
    }  # fmt: skip
    try:
        forge = forge_of(repository)
        checks = forge.list_checks(sha) if forge is not None else []
    except ForgeError as error:
        return told | {"error": clean_text(error.message, limit=MOST_DETAIL)}
    found = [
        {
            "name": one.name,
            "state": one.state,
            "detail": clean_text(one.detail, limit=MOST_DETAIL),
            "url": one.url,
        }
        for one in checks
        if one.name in names
    ]
    return told | {"checks": found}
