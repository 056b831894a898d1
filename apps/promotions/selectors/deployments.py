"""Which promotion brought a version to where it ran."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from apps.promotions.models import PromotionItem
from apps.promotions.selectors.links import HasConfigCommit, PromotionLink, link_to, origins_of
from apps.releases.selectors.versions import bare_version


class HasDeployment(HasConfigCommit, Protocol):
    """The part of a deployment that tells where it came from."""

    @property
    def application_id(self) -> int: ...
    @property
    def version(self) -> str: ...
    @property
    def from_at(self) -> datetime: ...
    @property
    def to_at(self) -> datetime | None: ...


def bringers_of(rows: Sequence[HasDeployment]) -> list[PromotionLink | None]:
    """
    The promotion that brought each of these deployments: by its config commit, else the last one that was
    merged with this version for this application and is seen to have arrived while it ran. Two queries.
    """
    by_commit = origins_of(rows) or [None] * len(rows)
    lacking = [row for row, link in zip(rows, by_commit, strict=True) if link is None]
    items = _read_items(lacking)
    return [link or _find(row, items) for row, link in zip(rows, by_commit, strict=True)]


def _read_items(rows: Iterable[HasDeployment]) -> list[PromotionItem]:
    applications = {row.application_id for row in rows}
    if not applications:
        return []
    items = PromotionItem.objects.filter(application__in=applications, arrived_at__isnull=False)
    return list(items.select_related("promotion").order_by("-arrived_at", "-pk"))


def _find(row: HasDeployment, items: Iterable[PromotionItem]) -> PromotionLink | None:
    for item in items:
        is_its = item.application_id == row.application_id and _is_same(item.to_version, row.version)
        if is_its and item.arrived_at and _ran_at(row, item.arrived_at) and _came_first(item, row):
            return link_to(item.promotion_id, item.promotion.kind)
    return None


def _is_same(one: str, other: str) -> bool:
    return bare_version(one) == bare_version(other)


def _ran_at(row: HasDeployment, moment: datetime) -> bool:
    return row.from_at <= moment and (row.to_at is None or moment <= row.to_at)


def _came_first(item: PromotionItem, row: HasDeployment) -> bool:
    """What is merged after a version was there did not bring it."""
    merged_at = item.promotion.merged_at
    return merged_at is not None and merged_at <= row.from_at
