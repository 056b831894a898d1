"""What people of the demo said about releases: an introduction, a word for operators, a bad release."""

from __future__ import annotations

from apps.accounts.models import Person, Project
from apps.environments.models import Component
from apps.releases import rendering
from apps.releases.models import Release
from apps.releases.selectors.overrides import Subject
from apps.releases.services.bad_releases import mark_bad
from apps.releases.services.components import NewPolicy, Origin, edit_component
from apps.releases.services.overrides import Wording, write_introduction, write_override

COMPONENT = "checkout"
INTRODUCED, BAD = "v2.15.0", "v2.13.1"
INTRODUCTION = """\
**The way from the basket to the order is shorter.** This release finishes what 2.14 began.

* Corporate customers find the number of their purchase order on the invoice.
* What is slow can be seen: refunds, invoices and web hooks are measured from end to end.

Nothing has to be changed before it is rolled out.
"""
REASON = "Orders were charged twice when the payment provider answered late. 2.13.2 mends it."
FOR_OPERATORS = "{}. The dashboard has a new row for it; its alert is switched on a week after the roll-out."


def open_public_notes(project: Project) -> None:
    """One component has a page that everybody may read."""
    component = Component.objects.get(project=project, name=COMPONENT)
    origin = Origin(component.source, component.tag_pattern, component.image)
    policy = NewPolicy(
        paths=(),
        below_one="minor",
        tracker_pattern="",
        tracker_url="",
        version_range="",
        has_public_notes=True,
        watches_registry=False,
    )
    edit_component(component, origin, by=_person("admin"), policy=policy)


def tell_releases(project: Project) -> None:
    """Said of releases whose notes are written. Safe to repeat."""
    releases = Release.objects.filter(component__project=project, component__name=COMPONENT)
    introduced = releases.select_related("component").get(tag=INTRODUCED)
    write_introduction(introduced, INTRODUCTION, by=_person("proposer"), render=_render)
    mark_bad(releases.select_related("component").get(tag=BAD), REASON, by=_person("approver"))
    sections = (introduced.notes or {"sections": []})["sections"]
    new = next((section["entries"][0] for section in sections if section["kind"] == "new"), None)
    if new is not None:
        subject = Subject("commit", new["shas"][0], new["text"])
        wording = Wording(
            FOR_OPERATORS.format(new["text"]), "operator", is_hidden=False, advisory="", language=""
        )
        write_override(introduced.component, subject, wording, by=_person("proposer"))


def _person(name: str) -> Person:
    return Person.objects.get(username=name)


def _render(text: str) -> str:
    return rendering.render_markdown([text])[0].html
