"""Which versions Git asked for in the past: read from the commits that touched an application's folder."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from apps.environments.models import Application, VersionObservation
from apps.environments.services.desired import Mask, RenderDoor, find_state, source_of, version_in
from gitopsui.adapters.git import Mirror
from gitopsui.adapters.render import Renderer
from gitopsui.domain.commit import Commit
from gitopsui.domain.errors import GitError, RenderError
from gitopsui.domain.history import Observation, deployments_of
from gitopsui.domain.text import clean_text

HISTORY = "environments.history"
MOST_COMMITS = 40
Report = Callable[[int, int, str], None]


def read_history(
    application: Application, *, git: Mirror, renderer: Renderer, mask: Mask, report: Report | None = None
) -> int:
    """
    Observe the version at each commit since the last time; how many were new. Commits that cannot be
    rendered are no observation. Where history was rewritten it is read again from its end.
    """
    head = application.desired_sha
    if not head or application.refusal or head == application.history_sha:
        return 0
    commits = _commits(application, head, git=git, renderer=renderer)
    last = application.observations.filter(source="git").order_by("at", "pk").last()
    version = last.version if last else ""
    found = 0
    for number, commit in enumerate(reversed(commits), 1):
        if report:
            report(number, len(commits), f"{number} of {len(commits)} commits")
        asked = _version_at(application, commit.sha, git=git, renderer=renderer, mask=mask)
        if asked and asked != version:
            found += _observe(application, commit, asked)
            version = asked
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
    if known:
        try:
            return git.log(head, exclude=known, paths=folders, limit=MOST_COMMITS, no_merges=True)
        except GitError as error:
            if error.code != "GIT_REF_MISSING":
                raise
    return git.log(head, paths=folders, limit=MOST_COMMITS, no_merges=True)


def _version_at(application: Application, sha: str, *, git: Mirror, renderer: RenderDoor, mask: Mask) -> str:
    source = source_of(application)
    try:
        state = find_state(renderer.inputs_digest(git, sha, source), now=timezone.now())
        if state is not None:
            return version_in(state.manifests, application)
        rendered = renderer.render(git, sha, source)
    except RenderError:
        return ""
    return version_in([mask(manifest) for manifest in rendered.manifests], application)


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
