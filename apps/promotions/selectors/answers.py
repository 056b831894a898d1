"""Who answered a promotion, here or on its forge, and whose answer counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models.functions import Lower

from apps.accounts.models import Person, Role
from apps.accounts.permissions import has_role
from apps.promotions.models import Approval, ForgeConnection, ForgeLogin, Promotion
from apps.promotions.selectors.forges import forge_host
from gitopsui.domain.approval import Answer, Seen, why_void
from gitopsui.domain.gate_facts import PromotionFacts
from gitopsui.domain.promotion import OPEN_PHASES


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it is stored, and whose it is: None where its login on the forge is nobody's here."""

    row: Approval
    person: Person | None
    answer: Answer


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One line of the page: `note` says why it does not count, "" where it does."""

    row: Approval
    name: str
    login: str
    note: str


def find_given(promotion: Promotion) -> list[Given]:
    """All answers, the oldest first, under the names that people have here now."""
    rows = list(promotion.approvals.select_related("person").prefetch_related("person__role_bindings"))
    logins = [row.name for row in rows if row.is_from_forge]
    host = host_of(promotion) if logins else ""
    people = find_people(host, logins)
    found = []
    for row in rows:
        person = people.get(row.name.lower()) if row.is_from_forge else row.person
        found.append(Given(row, person, _answer(row, person, host)))
    return found


def _answer(row: Approval, person: Person | None, host: str) -> Answer:
    """Groups are those of the time it was given; on a forge, which knows none of ours, those of now."""
    groups = row.groups
    if row.is_from_forge:
        groups = [group.name for group in person.groups.all()] if person else []
    return Answer(
        by=person.get_username() if person else row.name,
        at=row.at,
        seen=Seen(row.base_sha, row.head_sha, row.diff_hash),
        groups=frozenset(groups),
        is_rejection=row.is_rejection,
        reason=row.reason,
        stranger_on=(host or "its forge") if row.is_from_forge and person is None else "",
    )


def host_of(promotion: Promotion) -> str:
    """The forge its pull request lies on; "" where that is nowhere else."""
    rows = ForgeConnection.objects.filter(repository=promotion.repository_id)
    return forge_host(rows.values_list("api_url", flat=True).first() or "")


def find_people(host: str, logins: Iterable[str]) -> dict[str, Person]:
    """Whose these logins are, by the login in small letters: no forge tells `Ada` from `ada`."""
    wanted = {login.lower() for login in logins}
    if not host or not wanted:
        return {}
    rows = ForgeLogin.objects.annotate(folded=Lower("login")).filter(host=host, folded__in=wanted)
    rows = rows.select_related("person").prefetch_related("person__role_bindings", "person__groups")
    return {row.login.lower(): row.person for row in rows}


def pusher_of(promotion: Promotion) -> str:
    """Who pushed last, as they are called here; a forge tells their login there."""
    login = promotion.last_pusher
    person = find_people(host_of(promotion), [login]).get(login.lower()) if login else None
    return person.get_username() if person else login


def answers_of(promotion: Promotion) -> tuple[Answer, ...]:
    """
    Rejections stay, whoever they are of; an approval counts as long as whoever gave it may still give one.
    Whether strangers count is a question to the rules.
    """
    return tuple(
        one.answer
        for one in find_given(promotion)
        if one.row.is_rejection or one.answer.stranger_on or _may_approve(one.person, promotion)
    )


def _may_approve(person: Person | None, promotion: Promotion) -> bool:
    project, place = promotion.project, promotion.environment.name
    return person is not None and has_role(person, Role.APPROVER, project, environment=place)


def answer_rows(promotion: Promotion, facts: PromotionFacts) -> list[AnswerRow]:
    """All answers as the page shows them, the oldest first."""
    return [
        AnswerRow(one.row, one.answer.by, _login(one), _note(one, promotion, facts))
        for one in find_given(promotion)
    ]


def approvers_of(rows: Iterable[AnswerRow]) -> list[str]:
    """Those whose yes counts, or counted, by name."""
    return sorted({one.name for one in rows if not one.row.is_rejection and not one.note})


def _login(one: Given) -> str:
    """What they are called on the forge, where that is another name."""
    return one.row.name if one.row.is_from_forge and one.row.name != one.answer.by else ""


def _note(one: Given, promotion: Promotion, facts: PromotionFacts) -> str:
    """A sentence; nothing where it is void anyway because something moved."""
    if one.row.is_rejection or one.answer.seen != facts.seen:
        return ""
    if promotion.phase not in OPEN_PHASES:
        # Whether a stranger counted then is said by the answers of the gates that were kept.
        if one.answer.stranger_on:
            return f"{one.answer.by} is a login of nobody here."
        return _void(why_void(one.answer, facts))
    if not one.answer.stranger_on and not _may_approve(one.person, promotion):
        return _void(f"{one.answer.by} may not approve for {facts.environment}")
    return _void(why_void(one.answer, facts, counts_strangers=facts.rules.counts_strangers))


def _void(why: str) -> str:
    return f"It does not count: {why}." if why else ""
