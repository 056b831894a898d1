"""What Git asked for in the past: read from the commits that touched what an application is rendered from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils import timezone

from apps.environments.models import Application, ConfigCommit, VersionObservation
from apps.environments.services.desired import Mask, RenderDoor, find_state, source_of, version_in
from gitopsui.adapters.git import Mirror
from gitopsui.adapters.render import Renderer
from gitopsui.domain.commit import Commit, parse_message
from gitopsui.domain.config_change import describe_change
from gitopsui.domain.errors import GitError, RenderError
from gitopsui.domain.history import Observation, deployments_of
from gitopsui.domain.identity import Manifest
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.text import clean_text

HISTORY = "environments.history"
MOST_COMMITS = 40
KEPT_STATES = 4
Report = Callable[[int, int, str], None]


def read_history(
    application: Application, *, git: Mirror, renderer: Renderer, mask: Mask, report: Report | None = None
) -> int:
    """
    Observe the version at each commit since the last time, and write down what it changed; how many versions
    were new. Commits that cannot be rendered are no observation. Where history was rewritten it is read
    again from its end.
    """
    head = application.desired_sha
    if not head or application.refusal or head == application.history_sha:
        return 0
    commits = _commits(application, head, git=git, renderer=renderer)
    last = application.observations.filter(source="git").order_by("at", "pk").last()
    version = last.version if last else ""
    states = _States(application, git, renderer, mask)
    found = 0
    for number, commit in enumerate(reversed(commits), 1):
        if report:
            report(number, len(commits), f"{number} of {len(commits)} commits")
        asked = states.at(commit.sha)
        _keep_commit(application, commit, asked, states)
        if asked.version and asked.version != version:
            found += _observe(application, commit, asked.version)
            version = asked.version
    Application.objects.filter(pk=application.pk).update(history_sha=head)
    _date_live_version(application)
    return found


def _date_live_version(application: Application) -> None:
    """
    Since when the version runs. The first look at a cluster cannot see it; the commit that asked for the
    version can tell. Where nothing tells, the moment of that look is no answer.
    """
    row = Application.objects.get(pk=application.pk)
    seen = [Observation(o.at, o.version, o.source, o.sha, o.author) for o in row.observations.all()]  # type: ignore[arg-type]
    records = deployments_of(seen)
    first = min((one.at for one in seen if one.source == "live"), default=None)
    if row.live_since is None and records and records[0].from_at == first:
        return
    if records and records[0].version == row.live_version and records[0].from_at != row.live_since:
        row.live_since, row.changed_at = records[0].from_at, timezone.now()
        row.save(update_fields=["live_since", "changed_at"])


def _commits(application: Application, head: str, *, git: Mirror, renderer: Renderer) -> list[Commit]:
    """Newest first: those since the last look that changed something the render reads."""
    folders = renderer.input_folders(git, head, source_of(application))
    if not folders:
        return []
    known = application.history_sha
    if known and _is_below(git, known, head):
        return git.log(head, exclude=known, paths=folders, limit=MOST_COMMITS, no_merges=True)
    application.config_commits.all().delete()
    return git.log(head, paths=folders, limit=MOST_COMMITS, no_merges=True)


def _is_below(git: Mirror, known: str, head: str) -> bool:
    """Whether the branch still has what was read last; it was rewritten where it has not."""
    try:
        return git.is_ancestor(known, head)
    except GitError as error:
        if error.code != "GIT_REF_MISSING":
            raise
        return False


@dataclass(frozen=True, slots=True)
class _State:
    """What one commit asks for; `manifests` None where it cannot be rendered."""

    digest: str
    manifests: list[Manifest] | None = None
    version: str = ""


@dataclass(slots=True)
class _States:
    """What the commits ask for, masked, each rendered once: the next one's parent was read just before."""

    application: Application
    git: Mirror
    renderer: RenderDoor
    mask: Mask
    kept: OrderedDict[str, _State] = field(default_factory=OrderedDict)

    def at(self, sha: str) -> _State:
        source = source_of(self.application)
        try:
            digest = self.renderer.inputs_digest(self.git, sha, source)
        except RenderError:
            return _State("")
        if digest not in self.kept:
            self.kept[digest] = self._read(sha, digest)
        self.kept.move_to_end(digest)
        while len(self.kept) > KEPT_STATES:
            self.kept.popitem(last=False)
        return self.kept[digest]

    def _read(self, sha: str, digest: str) -> _State:
        state = find_state(digest, now=timezone.now())
        if state is not None:
            manifests = state.manifests
        else:
            try:
                rendered = self.renderer.render(self.git, sha, source_of(self.application))
            except RenderError:
                return _State(digest)
            manifests = [self.mask(manifest) for manifest in rendered.manifests]
        return _State(digest, manifests, version_in(manifests, self.application))


def _keep_commit(application: Application, commit: Commit, asked: _State, states: _States) -> None:
    """One row for a commit that changed what the application is rendered to, or whether it can be."""
    before = states.at(commit.parents[0]) if commit.parents else _State("")
    # A folder may hold the values of other environments too.
    if before.digest and before.manifests == asked.manifests:
        return
    message = mask_text(clean_text(commit.message))
    ConfigCommit.objects.update_or_create(
        application=application,
        sha=commit.sha,
        defaults={
            "at": min(commit.committed_at or timezone.now(), timezone.now()),
            "author": clean_text(commit.author_name, limit=200),
            "subject": clean_text(message.strip().partition("\n")[0].rstrip(), limit=500),
            "pull_request": parse_message(commit.message).pull_request,
            "previous_version": before.version,
            "version": asked.version,
            "change": _change(before, asked),
            "is_unrendered": asked.manifests is None,
        },
    )


def _change(before: _State, asked: _State) -> str:
    if not before.manifests or asked.manifests is None:
        return ""
    text = describe_change(
        before.manifests, asked.manifests, old_version=before.version, new_version=asked.version
    )
    return clean_text(text, limit=500)


def _observe(application: Application, commit: Commit, version: str) -> int:
    at = min(commit.committed_at or timezone.now(), timezone.now())
    _, is_new = VersionObservation.objects.get_or_create(
        application=application,
        source="git",
        at=at,
        sha=commit.sha,
        defaults={"version": version, "author": clean_text(commit.author_name, limit=200)},
    )
    return int(is_new)
