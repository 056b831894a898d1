"""The desired state of an application: resolved to a commit, rendered once, kept masked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import transaction

from apps.environments.models import BRANCH_GONE, Application, DesiredState
from apps.repositories.models import Revision, UnreadableRow
from gitopsui.adapters.git import Mirror
from gitopsui.adapters.render import Rendered, RenderSource
from gitopsui.adapters.render_source import HELM
from gitopsui.domain.errors import RenderError, UnreadableFile
from gitopsui.domain.identity import Manifest, ResourceKey, find_duplicates, find_key, flatten
from gitopsui.domain.image import version_of
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.shape import check_shape
from gitopsui.domain.text import clean_json, clean_text
from gitopsui.domain.volatile import VolatileField

Mask = Callable[[Manifest], Manifest]
VERSION_LIMIT = 200
NOTE_LIMIT = 500
MOST_NOTES = 50


class RenderDoor(Protocol):
    """What a service asks of the renderer."""

    def inputs_digest(self, mirror: Mirror, commit: str, source: RenderSource) -> str: ...

    def render(
        self, mirror: Mirror, commit: str, source: RenderSource, *, check_determinism: bool = False
    ) -> Rendered: ...


@dataclass(frozen=True, slots=True)
class Desired:
    """
    What Git asks for at `sha`: masked manifests, or none where `error` says why. `kept` are those of the
    last complete state that files which cannot be read now may still hold. `volatile` are fields that each
    render makes up anew.
    """

    sha: str
    digest: str = ""
    manifests: tuple[Manifest, ...] = ()
    error: RenderError | None = None
    is_incomplete: bool = False
    kept: tuple[Manifest, ...] = ()
    notes: tuple[str, ...] = ()
    volatile: tuple[VolatileField, ...] = ()

    @property
    def is_known(self) -> bool:
        return self.error is None


def source_of(application: Application) -> RenderSource:
    return RenderSource(
        renderer=application.renderer,
        path="" if application.path == "." else application.path,
        values_files=tuple(application.values_files),
        release_name=application.release_name,
        namespace=application.namespace,
        parameters=tuple(application.parameters),
    )


def head_of(application: Application) -> Revision | None:
    """Where the branch stands that says what is desired; None when the remote does not have it."""
    name = f"refs/heads/{application.branch}" if application.branch else application.repository.watched_branch
    return Revision.objects.filter(repository=application.repository, name=name, gone_at=None).first()


def read_desired(
    application: Application, *, git: Mirror, renderer: RenderDoor, mask: Mask, now: datetime
) -> Desired:
    """
    The desired state at the head of the branch. Rendered only when an input changed; a failure to
    render is an answer, with its reason, and not an exception.
    """
    if application.refusal:
        return Desired("", error=_refused("NOT_RENDERED", application.refusal))
    head = head_of(application)
    if head is None:
        return Desired("", error=_missing_branch(application))
    try:
        state = state_at(application, head.commit_sha, git=git, renderer=renderer, mask=mask, now=now)
    except RenderError as error:
        return Desired(head.commit_sha, error=error)
    _store_unreadable(application, state, now)
    volatile = volatile_in(state)
    nameless = {field.key for field in volatile if field.is_name}
    manifests = tuple(one for one in state.manifests if not nameless or find_key(one) not in nameless)
    kept = _last_complete(application, manifests) if state.unreadable else ()
    return Desired(
        head.commit_sha,
        state.digest,
        manifests,
        is_incomplete=bool(state.unreadable),
        kept=kept,
        notes=tuple(state.notes),
        volatile=volatile,
    )


def state_at(
    application: Application, sha: str, *, git: Mirror, renderer: RenderDoor, mask: Mask, now: datetime
) -> DesiredState:
    """What a commit asks for: rendered, unless the same inputs were before. Raises RenderError, GitError."""
    source = source_of(application)
    digest = renderer.inputs_digest(git, sha, source)
    return find_state(digest, now=now) or _render(git, sha, source, digest, renderer, mask, now)


def volatile_in(state: DesiredState) -> tuple[VolatileField, ...]:
    return tuple(map(_read_volatile, state.volatile))


def _last_complete(application: Application, manifests: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """What the last state without unreadable files held beyond `manifests`: a broken file deletes nothing."""
    last = DesiredState.objects.filter(digest=application.desired_digest).first()
    if last is None or last.unreadable:
        return ()
    known = {find_key(manifest) for manifest in manifests}
    return tuple(manifest for manifest in last.manifests if find_key(manifest) not in known)


def _refused(code: str, message: str, hint: str = "") -> RenderError:
    return RenderError(message, code=code, permanent=True, hint=hint)


def _missing_branch(application: Application) -> RenderError:
    repository = application.repository
    if not repository.polled_at:
        return _refused("NOT_FETCHED", f"{repository.name} has not been read yet.", repository.error)
    branch = application.branch or repository.branch or repository.default_branch or "(no default branch)"
    return _refused(
        BRANCH_GONE,
        f"The branch {branch} is gone from {repository.name}; what it held last is kept.",
        "Push the branch again, or choose another one on the page of the repository.",
    )


def find_state(digest: str, *, now: datetime) -> DesiredState | None:
    state = DesiredState.objects.filter(digest=digest).first()
    if state is not None and (now - state.used_at).days >= 1:
        DesiredState.objects.filter(pk=state.pk).update(used_at=now)
    return state


def _render(
    git: Mirror,
    sha: str,
    source: RenderSource,
    digest: str,
    renderer: RenderDoor,
    mask: Mask,
    now: datetime,
) -> DesiredState:
    # Plain files and kustomize make the same of the same; a chart may roll dice.
    rendered = renderer.render(git, sha, source, check_determinism=source.renderer == HELM)
    values = {
        "manifests": [clean_json(mask(manifest)) for manifest in rendered.manifests],
        "notes": [*map(clean_text, rendered.notes), *_odd(rendered.manifests)][:MOST_NOTES],
        "unreadable": [_as_json(problem) for problem in rendered.unreadable],
        "renderer": rendered.renderer,
        "volatile": [_volatile_row(field) for field in rendered.volatile],
        "used_at": now,
    }
    return DesiredState.objects.update_or_create(digest=digest, defaults=values)[0]


def _volatile_row(field: VolatileField) -> dict[str, Any]:
    """`key` and `path` are for readers; the rest is what a rule needs."""
    key = field.key
    parts = [key.group, key.kind, key.namespace, key.name]
    shown = clean_text(f"{key.kind} {key.name}", limit=NOTE_LIMIT)
    path = clean_text(mask_text(field.path), limit=NOTE_LIMIT)
    row: dict[str, Any] = clean_json({"object": parts, "pointer": field.pointer})
    return {"key": shown, "path": path, **row}


def _read_volatile(row: dict[str, Any]) -> VolatileField:
    return VolatileField(ResourceKey(*row["object"]), row["path"], row["pointer"])


def _odd(manifests: Sequence[Manifest]) -> list[str]:
    """What is wrong with the shape of objects, and which are there twice, in sentences that name them."""
    flat = flatten(manifests)
    found = [(find_key(manifest), note) for manifest in flat for note in check_shape(manifest)]
    found += [(key, "Git holds the same object twice; the last one counts.") for key in find_duplicates(flat)]
    return [mask_text(clean_text(f"{key.kind} {key.name}: {note}", limit=NOTE_LIMIT)) for key, note in found]


def _as_json(problem: UnreadableFile) -> dict[str, str | int]:
    return {
        "path": clean_text(problem.path),
        "line": problem.line,
        "code": problem.code,
        "message": mask_text(clean_text(problem.message)),
    }


def _store_unreadable(application: Application, state: DesiredState, now: datetime) -> None:
    """Files of this folder that could not be read: the rows below its path are replaced as a whole."""
    prefix = "" if application.path == "." else f"{application.path}/"
    rows = UnreadableRow.objects.filter(repository=application.repository, path__startswith=prefix)
    known = {(row.path, row.line, row.code) for row in rows}
    found = {(item["path"], item["line"], item["code"]) for item in state.unreadable}
    if known == found:
        return
    with transaction.atomic():
        rows.delete()
        for item in state.unreadable:
            UnreadableRow.objects.create(repository=application.repository, seen_at=now, **item)


def version_in(manifests: tuple[Manifest, ...] | list[Manifest], application: Application) -> str:
    """The version these manifests make, fit to store; "" where nothing tells one."""
    return clean_text(version_of(list(manifests), image=application.component.image), limit=VERSION_LIMIT)
