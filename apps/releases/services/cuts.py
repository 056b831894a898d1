"""
A release that somebody cuts: planned as a row by a person, made and pushed once by a worker.

The tag object has a fixed author and moment, and its id is stored before it is pushed: a worker that is
killed anywhere is followed by one that pushes the very same object, which the remote takes once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import Person
from apps.core import audit, jobs
from apps.core.job_run import MAX_FAILURES_ONCE
from apps.environments.models import Component
from apps.releases.models import ReleaseCut
from apps.releases.selectors.next_versions import Proposal
from apps.releases.selectors.registry import range_of
from apps.repositories.models import POLL, Repository
from gitopsui.adapters.git import Signer, check_ref_name
from gitopsui.adapters.git_output import RemoteRefs
from gitopsui.adapters.git_sign import SigningKey
from gitopsui.domain.errors import GitError, InputError
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.precedence import find_version
from gitopsui.domain.text import clean_text
from gitopsui.domain.version import parse_tag

PUSH = "releases.cut"
TAG_CHARS = 300
MESSAGE_CHARS = 60_000
TAGS = "refs/tags/"
NEEDS_CREDENTIAL = (
    "No credential is stored for {name}, so nothing can be pushed there. "
    "An administrator enters one that may write on the page of the repository."
)


class TagDoor(Protocol):
    """The part of `Mirror` that a tag is made and pushed with."""

    def ls_remote(self) -> RemoteRefs: ...

    def resolve(self, revision: str) -> str: ...

    def create_tag(
        self, name: str, commit: str, *, message: str, tagger: Signer, key: SigningKey | None = None
    ) -> str: ...

    def push_tag(self, name: str, sha: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to release: a version without prefix, and the message of its tag."""

    version: str
    message: str


def find_obstacle(component: Component) -> str:
    """Why nothing can be cut of this component, as a sentence; "" where nothing stands in the way."""
    source = component.source
    if source is None:
        return "Without a source repository there is nothing to tag."
    return "" if source.credential_id else NEEDS_CREDENTIAL.format(name=source.name)


def check_version(component: Component, proposal: Proposal, version: str) -> str:
    """
    The tag that `version` would get after what `proposal` stands on. Raises InputError with a sentence: for
    what is no version, not after the current one, outside the range of the policy, not of the tag pattern, or
    there already.
    """
    found = find_version(version)
    if found is None:
        raise _refused(f"“{version[:80]}” is no version; write it as 1.2.3 or 1.2.3-rc.1.")
    current = find_version(proposal.current) if proposal.current else None
    if current is not None and found <= current:
        raise _refused(f"{version} does not come after {proposal.current}, which this commit follows.")
    offered = range_of(component)
    if offered.text and not offered.allows(found):
        raise _refused(f"{version} is outside the range {offered.text} of this component.")
    tag = f"{proposal.prefix}{version}"
    if len(tag) > TAG_CHARS:
        raise _refused("The tag would be too long.")
    check_ref_name(tag)
    parsed = parse_tag(tag, pattern=component.tag_pattern or None)
    if parsed is None or str(parsed.version) != version:
        raise _refused(f"The tag {tag} would not fit the tag pattern {component.tag_pattern}.")
    _check_free(component, tag, version)
    return tag


def _check_free(component: Component, tag: str, version: str) -> None:
    source = component.source
    assert source is not None
    rows = source.revisions.filter(kind="tag", gone_at=None, name=f"{TAGS}{tag}")
    if (sha := rows.values_list("commit_sha", flat=True).first()) is not None:
        raise _refused(f"{tag} is there already, at {sha[:8]}.")
    twin = component.releases.filter(version=version).values_list("tag", flat=True).first()
    if twin is not None:
        raise _refused(f"{version} is released already, as {twin}.")
    under_way = ReleaseCut.objects.filter(~Q(state="failed"), component__source=source, tag=tag)
    if under_way.exists():
        raise _refused(f"{tag} is being cut already.")


def _refused(message: str) -> InputError:
    return InputError(message, code="RELEASE_CUT", field="version")


def plan_cut(
    component: Component, proposal: Proposal, wish: Wish, *, by: Person, is_signed: bool
) -> ReleaseCut:
    """
    Write down that `wish` is to be tagged at the commit of `proposal`, and have a worker push it.

    Raises InputError with the sentence of `check_version` or `find_obstacle`.
    """
    if obstacle := find_obstacle(component) or proposal.problem:
        raise InputError(obstacle, code="RELEASE_CUT")
    tag = check_version(component, proposal, wish.version)
    try:
        with transaction.atomic():
            cut = ReleaseCut.objects.create(
                component=component,
                tag=tag,
                commit_sha=proposal.sha,
                message=clean_text(wish.message, limit=MESSAGE_CHARS),
                is_signed=is_signed,
                asked_by=by.get_username(),
                asked_at=timezone.now().replace(microsecond=0),
            )
            after = {"tag": tag, "commit": proposal.sha, "signed": is_signed}
            audit.record(by, "cut release", component, after=after)
            jobs.schedule(PUSH, cut.pk, label=f"tag {tag} of {component}", group=_host(component.source))
    except IntegrityError as error:
        raise _refused(f"{tag} is being cut already.") from error
    jobs.enqueue_due(PUSH, [cut.pk])
    return cut


def _host(source: Repository | None) -> str:
    return source.host if source else ""


def push_cut(cut: ReleaseCut, *, git: TagDoor, find_key: Callable[[], SigningKey | None]) -> None:
    """
    Make the tag and push it, if that is not done yet. Safe to repeat, beside itself, and to be killed.

    What the remote refused for good, and what failed too often, is stored with its sentence; the rest goes on
    to the job as GitError, which tries again.
    """
    if cut.state != "planned":
        return
    try:
        if not _is_pushed(cut, git):
            git.push_tag(cut.tag, _tag_object(cut, git, find_key))
    except (GitError, InputError) as error:
        if _is_final(cut, error):
            _end(cut, "failed", error)
            return
        _note(cut, error)
        raise
    _end(cut, "pushed", None)


def _is_pushed(cut: ReleaseCut, git: TagDoor) -> bool:
    """Whether a worker before this one pushed it and was killed before it could say so."""
    return bool(cut.tag_sha) and git.ls_remote().refs.get(f"{TAGS}{cut.tag}") == cut.tag_sha


def _tag_object(cut: ReleaseCut, git: TagDoor, find_key: Callable[[], SigningKey | None]) -> str:
    """The tag object: the one that was made, while the mirror still has it, else a new one."""
    if cut.tag_sha and _holds(git, cut.tag_sha):
        return cut.tag_sha
    key = find_key() if cut.is_signed else None
    if cut.is_signed and key is None:
        message = "It was to be signed, and the key for it is not configured any more."
        raise GitError(message, code="GIT_KEY", permanent=True, hint="Cut it again.")
    tagger = Signer(cut.asked_by, f"{_plain(cut.asked_by)}@gitopsui.invalid", cut.asked_at)
    sha = git.create_tag(cut.tag, cut.commit_sha, message=cut.message, tagger=tagger, key=key)
    cut.tag_sha = sha
    ReleaseCut.objects.filter(pk=cut.pk, state="planned").update(tag_sha=sha)
    return sha


def _holds(git: TagDoor, sha: str) -> bool:
    try:
        git.resolve(sha)
    except GitError as error:
        if error.code != "GIT_REF_MISSING":
            raise
        return False
    return True


def _plain(name: str) -> str:
    return "".join(letter for letter in name if letter.isalnum() or letter in "._-") or "somebody"


def _is_final(cut: ReleaseCut, error: GitError | InputError) -> bool:
    """Whether another try makes no sense, or there will be none."""
    row = jobs.job_of(PUSH, cut.pk)
    is_last = row is not None and row.failures + 1 >= MAX_FAILURES_ONCE
    return isinstance(error, InputError) or error.permanent or is_last


def _words(error: GitError | InputError) -> dict[str, str]:
    message = mask_text(error.message)
    if error.code == "GIT_REF_TAKEN":
        message = f"Somebody else has made this tag meanwhile: {message}"
    return {"error": message, "error_hint": getattr(error, "hint", "")}


def _note(cut: ReleaseCut, error: GitError | InputError) -> None:
    ReleaseCut.objects.filter(pk=cut.pk, state="planned").update(**_words(error))


def _end(cut: ReleaseCut, state: str, error: GitError | InputError | None) -> None:
    words = _words(error) if error else {"error": "", "error_hint": ""}
    with transaction.atomic():
        rows = ReleaseCut.objects.filter(pk=cut.pk, state="planned")
        if not rows.update(state=state, ended_at=timezone.now(), **words):
            return
        verb = "pushed release" if state == "pushed" else "could not push release"
        audit.record(None, verb, cut.component, after={"tag": cut.tag, "error": words["error"]})
        if cut.component.source_id:
            jobs.make_due(POLL, [cut.component.source_id])
