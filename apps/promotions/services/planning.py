"""What a promotion would change, worked out from stored files alone: the edits, what is skipped and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from apps.environments.models import Application, Environment
from apps.promotions.models import EditRule, EditTarget, PromotionItem
from apps.promotions.services.copies import MOST_LISTED, Listing, is_there, listed
from apps.releases.selectors.versions import bare_version, shown_version
from gitopsui.domain.edit import EditError, check_tag_or_digest, set_image, set_value
from gitopsui.domain.edit_file import FileEdit, hash_edits
from gitopsui.domain.edit_way import EditWay
from gitopsui.domain.errors import InputError
from gitopsui.domain.image import find_image

READ_AGAIN = "Its files were read at another commit; in a moment they are read again."


@dataclass(frozen=True, slots=True)
class Move:
    """
    One application that gets another version. Where a folder is copied `copied_from` is that folder, and the
    version may be the same.
    """

    application: Application
    from_version: str
    to_version: str
    paths: tuple[str, ...]
    copied_from: str = ""


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
        return hash_edits(self.files)


@dataclass(frozen=True, slots=True)
class Wish:
    """
    What somebody asks for: this version in this application. On the way back (`is_back`) no folder is
    copied, since it holds what is new; `undo` is what takes back an earlier copy instead. `refusal` is why it
    cannot be fulfilled whatever the files say.
    """

    application: Application
    version: str
    is_back: bool = False
    undo: tuple[FileEdit, ...] = ()
    refusal: str = ""


def wishes_from(source: Environment, target: Environment, slugs: Iterable[str] = ()) -> list[Wish]:
    """The versions that run in `source` for the applications of `target`, of these components or of all."""
    versions: dict[int, set[str]] = {}
    for application in source.applications.all():
        versions.setdefault(application.component_id, set()).add(shown_version(application))
    wanted = set(slugs)
    rows = target.applications.select_related("component__source", "environment", "repository")
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
    plan = _Planner(environment, _targets(wishes), _open_items(wishes), _rules(wishes))
    for wish in wishes:
        plan.add(wish)
    return plan.finish()


def _targets(wishes: Sequence[Wish]) -> dict[int, list[EditTarget]]:
    """By application, of those whose files were looked through; nothing where none of them fits."""
    found: dict[int, list[EditTarget]] = {}
    for row in EditTarget.objects.filter(application__in=[one.application for one in wishes]):
        found.setdefault(row.application_id, []).extend([row] if row.path else [])
    return found


def _rules(wishes: Sequence[Wish]) -> dict[int, EditRule]:
    rows = EditRule.objects.filter(application__in=[one.application for one in wishes]).exclude(
        way=EditWay.IMAGE
    )
    return {row.application_id: row for row in rows.select_related("source__environment")}


def _open_items(wishes: Sequence[Wish]) -> dict[int, PromotionItem]:
    rows = PromotionItem.objects.filter(is_open=True, application__in=[wish.application for wish in wishes])
    return {row.application_id: row for row in rows.select_related("promotion")}


class _Planner:
    """Edits the stored texts one wish after the other."""

    def __init__(
        self,
        environment: Environment,
        targets: dict[int, list[EditTarget]],
        opened: dict[int, PromotionItem],
        rules: dict[int, EditRule],
    ) -> None:
        self.environment = environment
        self.targets = targets
        self.opened = opened
        self.rules = rules
        self.place: tuple[int, str] | None = None
        self.base_sha = ""
        self.before: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.copied: dict[str, FileEdit] = {}
        self.moves: list[Move] = []
        self.skips: list[Skip] = []

    def add(self, wish: Wish) -> None:
        rule = self.rules.get(wish.application.pk)
        is_copied = rule is not None and rule.way == EditWay.FOLDER and (not wish.is_back or bool(wish.undo))
        copies = rule if is_copied else None
        reason = self._refuse(wish, rule, copies)
        if not reason:
            try:
                reason = self._copy(wish, copies) if copies else self._edit(wish)
            except (EditError, InputError) as error:
                reason = str(error)
        if reason:
            self.skips.append(Skip(wish.application, reason))

    def _refuse(self, wish: Wish, rule: EditRule | None, copies: EditRule | None) -> str:
        """Why there is nothing to do or it cannot be done; "" where it can."""
        application, opened = wish.application, self.opened.get(wish.application.pk)
        if wish.refusal or not wish.version:
            return wish.refusal or "It is not known which one version runs there."
        if opened is not None:
            return f"Promotion {opened.promotion_id} is under way with {opened.to_version}."
        if wish.version == application.desired_version and not copies:
            return f"It is on {wish.version} already."
        if application.desired_error_code or application.refusal:
            return application.desired_error or application.refusal
        if not self._rows(wish, copies):
            return _nothing_to_edit(rule, copies, is_read=application.pk in self.targets)
        if self.place is not None and self.place != _place_of(application):
            return f"It lives in another repository or branch ({application.repository}); promote it apart."
        return ""

    def _rows(self, wish: Wish, copies: EditRule | None) -> list[EditTarget]:
        """The stored files of the way it is edited."""
        rows = self.targets.get(wish.application.pk, [])
        return [row for row in rows if row.is_folder == (copies is not None)]

    def _edit(self, wish: Wish) -> str:
        application = wish.application
        rows = self._rows(wish, None)
        if self.base_sha and rows[0].commit_sha != self.base_sha:
            return READ_AGAIN
        if rows[0].refusal:
            return rows[0].refusal
        changed = {row.path: _edited(self.texts.get(row.path, row.text), row, wish) for row in rows}
        paths = tuple(row.path for row in rows if changed[row.path] != self.texts.get(row.path, row.text))
        if not paths:
            return f"Its files ask for {wish.version} already."
        if not self.copied.keys().isdisjoint(paths):
            return _shared(paths, self.copied)
        self.place, self.base_sha = _place_of(application), rows[0].commit_sha
        self.before = {row.path: row.text for row in rows} | self.before
        self.texts |= changed
        self.moves.append(Move(application, application.desired_version, wish.version, paths))
        return ""

    def _copy(self, wish: Wish, rule: EditRule) -> str:
        """As `_edit`, for a folder: what was found when it was read is done as a whole or not at all."""
        application, row = wish.application, self._rows(wish, rule)[0]
        reason = "" if wish.undo else row.refusal or _find_other_version(rule, row, wish)
        if reason or (self.base_sha and row.commit_sha != self.base_sha):
            return reason or READ_AGAIN
        found = _undone(wish.undo, row) if wish.undo else map(FileEdit.from_json, row.files)
        edits = {one.path: one for one in found}
        if not edits:
            before = "it held before" if wish.undo else f"{rule.source_path} holds"
            return f"{rule.path} holds what {before} already."
        edited = {path for path, text in self.texts.items() if text != self.before[path]}
        other = {path for path, one in edits.items() if self.copied.get(path, one).new_blob != one.new_blob}
        if other or not edited.isdisjoint(edits):
            return _shared(edits, edited | other)
        self.place, self.base_sha = _place_of(application), row.commit_sha
        self.copied |= edits
        source = "" if wish.undo else rule.source_path
        self.moves.append(Move(application, application.desired_version, wish.version, tuple(edits), source))
        return ""

    def finish(self) -> Plan:
        files = [
            FileEdit(path, self.before[path], text)
            for path, text in self.texts.items()
            if text != self.before[path]
        ]
        files = sorted([*files, *self.copied.values()], key=lambda one: one.path)
        return Plan(self.environment, self.moves, self.skips, files, self.base_sha)


def _place_of(application: Application) -> tuple[int, str]:
    return application.repository_id, application.branch


def _nothing_to_edit(rule: EditRule | None, copies: EditRule | None, *, is_read: bool) -> str:
    if copies or (rule is not None and rule.way == EditWay.FIELD):
        return "How it is promoted was changed and its files are read just now; look again in a moment."
    if rule is not None:
        return (
            "No file of its own says its version, and its folder is only copied as it is now: revert there."
        )
    if not is_read:
        return "Which of its files says the version is being looked for; look again in a moment."
    return "No file of its own says which version it runs, so there is nothing to edit."


def _undone(undo: Sequence[FileEdit], row: EditTarget) -> list[FileEdit]:
    """What is left to take back. Raises EditError where a file is neither as it became nor as it was."""
    listing = listed(row)
    for one in undo:
        _check_listed(one.path, row, listing)
    left = [one for one in undo if not is_there(listing, one)]
    for one in left:
        if not is_there(listing, one.undone()):
            raise EditError(f"{one.path} was changed since, so it is not taken back; revert it there.")
    return left


def _check_listed(path: str, row: EditTarget, listing: Listing) -> None:
    """Raises EditError for a file of which the listing does not tell whether it is there."""
    if path in listing:
        return
    if not path.startswith(f"{row.path}/"):
        raise EditError(f"{path} is not in {row.path}, the folder that is written now; revert it there.")
    if len(listing) >= MOST_LISTED or "\n" in path:
        raise EditError(f"{row.path} holds more files than are listed, perhaps {path}; revert it there.")


def _shared(paths: Iterable[str], taken: Iterable[str]) -> str:
    first = min(set(paths) & set(taken))
    return f"Something else in this promotion changes {first} too; promote it apart."


def _find_other_version(rule: EditRule, row: EditTarget, wish: Wish) -> str:
    """Why a copy would bring something else than was wished for; "" where it brings just that."""
    source = rule.source
    if source is None:
        return "The application it was copied from is gone; choose another one for it."
    if source.desired_error_code:
        return f"{source.environment}: {source.desired_error}"
    if source.desired_sha != row.commit_sha:
        return READ_AGAIN
    if bare_version(source.desired_version) != bare_version(wish.version):
        asked = source.desired_version or "an unknown version"
        return (
            f"It is promoted by copying {rule.source_path}, where {source.environment} asks for {asked} and "
            f"not for {wish.version}."
        )
    return ""


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
    check_tag_or_digest(version)
    entry = {"name": image, "digest" if ":" in version else "newTag": version}
    try:
        return set_value(text, "images.-1", entry)
    except EditError:
        return set_value(text, "images", [entry])
