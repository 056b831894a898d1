"""Says who people are on forges, so that what they say there counts as theirs."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apps.accounts.models import Person
from apps.core import audit
from apps.promotions.models import ForgeLogin, Promotion
from apps.promotions.selectors.answers import host_of
from apps.promotions.services.decide import go_on
from gitopsui.domain.errors import PromotionDenied
from gitopsui.domain.promotion import Phase

_ONLY = "Only administrators of all projects say who somebody is on a forge."


def add_login(person: Person, *, host: str, login: str, by: Person) -> ForgeLogin:
    """What is said on the forge under this login was said by the person. Raises PromotionDenied."""
    _check_may(by)
    try:
        with transaction.atomic():
            row = ForgeLogin.objects.create(person=person, host=host, login=login, set_by=by.get_username())
            audit.record(by, "said who somebody is on a forge", person, after=_told(row))
            _ask_again(row)
    except IntegrityError as error:
        raise PromotionDenied(_taken(host, login)) from error
    return row


def _taken(host: str, login: str) -> str:
    row = ForgeLogin.objects.select_related("person").filter(host=host, login__iexact=login).first()
    owner = row.person.get_username() if row is not None else "somebody else"
    return f"{login} on {host} is {owner} already. One login is one person's: remove it there first."


@transaction.atomic
def remove_login(row: ForgeLogin, *, by: Person) -> None:
    """What is said under it is nobody's from now on. Raises PromotionDenied."""
    _check_may(by)
    if not ForgeLogin.objects.filter(pk=row.pk).delete()[0]:
        return
    audit.record(by, "took a login on a forge away", row.person, before=_told(row))
    _ask_again(row)


def _told(row: ForgeLogin) -> dict[str, str]:
    return {"forge": row.host, "login": row.login}


def _check_may(by: Person) -> None:
    if not by.keeps_accounts:
        raise PromotionDenied(_ONLY)


def _ask_again(row: ForgeLogin) -> None:
    """Open promotions that were answered under it may count otherwise now."""
    rows = Promotion.objects.filter(
        phase=Phase.OPEN, approvals__is_from_forge=True, approvals__name__iexact=row.login
    )
    for promotion in rows.distinct():
        if host_of(promotion) == row.host:
            go_on(promotion)
