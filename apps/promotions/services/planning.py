"""What a promotion would change, worked out from stored files alone: the edits, what is skipped and why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from apps.environments.models import Application, Environment
from apps.promotions.models import EditTarget, PromotionItem
from apps.releases.selectors.versions import shown_version
from gitopsui.domain.edit import EditError, set_image, set_value
from gitopsui.domain.errors import InputError
from gitopsui.domain.image import find_image


@dataclass(frozen=True, slots=True)
class FileEdit:
    """One file before and after. All applications that are promoted together edit the same text in turn."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Move:
    """One application that gets another version."""

    application: Application
    from_version: str
    to_version: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skip:
    """One that does not, and why."""

    application: Application
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`base_sha` is the commit of the config repository that the files are of."""

    environment: Environment
    moves: list[Move] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    files: list[FileEdit] = field(default_factory=list)
    base_sha: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.files

    @property
    def diff_hash(self) -> str:
        """Of what changes, path by path; two plans with the same hash make the same change."""
        digest = hashlib.sha256()
        for one in sorted(self.files, key=lambda one: one.path):
            for text in (one.path, one.old, one.new):
                data = text.encode()
                digest.update(len(data).to_bytes(8, "big") + data)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for: this version in this application."""

    application: Application
    version: str


def wishes_from(source: Environment, target: Environment, slugs: Iterable[str] = ()) -> list[Wish]:
    """The versions that run in `source` for the applications of `target`, of these components or of all."""
    versions: dict[int, set[str]] = {}
    for application in source.applications.all():
        versions.setdefault(application.component_id, set()).add(shown_version(application))
    wanted = set(slugs)
    rows = target.applications.select_related("component", "environment", "repository")
    return [
        Wish(row, "" if len(versions[row.component_id]) > 1 else next(iter(versions[row.component_id])))
        for row in rows.order_by("component__name", "pk")
        if row.component_id in versions and (not wanted or row.component.slug in wanted)
    ]


def plan_promotion(environment: Environment, wishes: Sequence[Wish]) -> Plan:
    """
    The plan for these wishes. Those that cannot or need not be fulfilled are skipped with the reason; one
    plan is of one branch of one repository, that of the first that changes something.
    """
    plan = _Planner(environment, _targets(wishes), _open_items(wishes))
    for wish in wishes:
        plan.add(wish)
    return plan.finish()


def _targets(wishes: Sequence[Wish]) -> dict[int, list[EditTarget]]:
    found: dict[int, list[EditTarget]] = {}
    for row in EditTarget.objects.filter(application__in=[one.application for one in wishes]).exclude(
        path=""
    ):
        found.setdefault(row.application_id, []).append(row)
    return found


def _open_items(wishes: Sequence[Wish]) -> dict[int, PromotionItem]:
    rows = PromotionItem.objects.filter(is_open=True, application__in=[wish.application for wish in wishes])
    return {row.application_id: row for row in rows.select_related("promotion")}


class _Planner:
    """Edits the stored texts one wish after the other."""

    def __init__(
        self, environment: Environment, targets: dict[int, list[EditTarget]], opened: dict[int, PromotionItem]
    ) -> None:
        self.environment = environment
        self.targets = targets
        self.opened = opened
        self.place: tuple[int, str] | None = None
        self.base_sha = ""
        self.before: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.moves: list[Move] = []
        self.skips: list[Skip] = []

    def add(self, wish: Wish) -> None:
        reason = self._refuse(wish)
        if not reason:
            try:
                reason = self._edit(wish)
            except (EditError, InputError) as error:
                reason = str(error)
        if reason:
            self.skips.append(Skip(wish.application, reason))

    def _refuse(self, wish: Wish) -> str:
        """Why there is nothing to do or it cannot be done; "" where it can."""
        application, opened = wish.application, self.opened.get(wish.application.pk)
        if not wish.version:
            return "It is not known which one version runs there."
        if opened is not None:
            return f"Promotion {opened.promotion_id} is under way with {opened.to_version}."
        if wish.version == application.desired_version:
            return f"It is on {wish.version} already."
        if application.desired_error_code or application.refusal:
            return application.desired_error or application.refusal
        if not self.targets.get(application.pk):
            return "No file of its own says which version it runs, so there is nothing to edit."
        if self.place is not None and self.place != _place_of(application):
            return f"It lives in another repository or branch ({application.repository}); promote it apart."
        return ""

    def _edit(self, wish: Wish) -> str:
        application = wish.application
        rows = self.targets[application.pk]
        if self.base_sha and rows[0].commit_sha != self.base_sha:
            return "Its files were read at another commit; in a moment they are read again."
        changed = {row.path: _edited(self.texts.get(row.path, row.text), row, wish) for row in rows}
        paths = tuple(row.path for row in rows if changed[row.path] != self.texts.get(row.path, row.text))
        if not paths:
            return f"Its files ask for {wish.version} already."
        self.place, self.base_sha = _place_of(application), rows[0].commit_sha
        self.before = {row.path: row.text for row in rows} | self.before
        self.texts |= changed
        self.moves.append(Move(application, application.desired_version, wish.version, paths))
        return ""

    def finish(self) -> Plan:
        files = [
            FileEdit(path, self.before[path], text)
            for path, text in sorted(self.texts.items())
            if text != self.before[path]
        ]
        return Plan(self.environment, self.moves, self.skips, files, self.base_sha)


def _place_of(application: Application) -> tuple[int, str]:
    return application.repository_id, application.branch


def _edited(text: str, target: EditTarget, wish: Wish) -> str:
    """The text with the wished version. Raises EditError."""
    if target.field_path:
        return set_value(text, target.field_path, wish.version)
    image = wish.application.component.image
    try:
        return set_image(text, image, wish.version)
    except EditError:
        # An overlay that changes no image yet: it gets an entry of its own.
        reference = find_image(image)
        if reference is None or "kustomization" not in target.path.rpartition("/")[2].lower():
            raise
        return _with_image(text, image, wish.version)


def _with_image(text: str, image: str, version: str) -> str:
    entry = {"name": image, "newTag": version}
    try:
        return set_value(text, "images.-1", entry)
    except EditError:
        return set_value(text, "images", [entry])
