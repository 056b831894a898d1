"""What forges asked for is remembered for all workers: one that is busy is left alone by each of them."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from apps.promotions.models import ForgePause
from apps.promotions.selectors.forges import pause_of


class StoredPauses:
    """The `Pauses` of the adapters, in the database. A worker that has just begun knows them as well."""

    def find(self, endpoint: str) -> datetime | None:
        return pause_of(endpoint, now=timezone.now())

    def hold(self, endpoint: str, until: datetime) -> None:
        row, is_new = ForgePause.objects.get_or_create(endpoint=endpoint, defaults={"until": until})
        if not is_new:
            ForgePause.objects.filter(pk=row.pk, until__lt=until).update(until=until)
