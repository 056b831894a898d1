"""Connect your own: what a repository holds is recognised, and what people accept becomes applications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from apps.accounts.models import Person, Project
from apps.core import audit, jobs
from apps.environments.models import Application, Cluster, Component, Environment
from apps.repositories.models import Repository
from gitopsui.adapters.git import Mirror
from gitopsui.adapters.yaml_reader import read_files, read_text
from gitopsui.domain.errors import UnreadableFile
from gitopsui.domain.image import find_image
from gitopsui.domain.layout import Layout, Proposal, interesting_paths, recognise
from gitopsui.domain.text import clean_json, clean_text

CHECK = "environments.check"
RECOGNISE = "environments.recognise"
MAX_READ_BYTES = 64 << 20
NAME_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of accepting proposals."""

    applications: int
    components: int
    environments: int


def recognise_repository(repository: Repository, *, git: Mirror) -> Layout:
    """
    What the watched branch holds, from its tree alone. Raises GitError when the branch is not there.
    """
    commit = git.resolve(repository.watched_branch)
    entries = {entry.path: entry for entry in git.tree(commit) if entry.mode.startswith("100")}
    paths = list(entries)
    wanted = {path: entries[path] for path in interesting_paths(paths) if path in entries}
    blobs = git.blobs({entry.sha for entry in wanted.values()}, max_bytes=MAX_READ_BYTES)
    parsed = read_files({path: blobs[entry.sha] for path, entry in wanted.items() if entry.sha in blobs})
    documents = {path: file.documents for path, file in parsed.items() if file.error is None}
    layout = recognise(documents, paths, repository_url=repository.url, read_text=_read_inline)
    branches = set(repository.revisions.filter(kind="branch", gone_at=None).values_list("short", flat=True))
    return replace(layout, proposals=tuple(_on_known_branch(one, branches) for one in layout.proposals))


def _read_inline(text: str) -> Sequence[Any]:
    """The documents of YAML inside YAML; none where it cannot be read."""
    try:
        return read_text(text.encode("utf-8", "replace"))
    except UnreadableFile:
        return ()


def _on_known_branch(proposal: Proposal, branches: set[str]) -> Proposal:
    """A declared revision may be a placeholder; the watched branch stands in for what is no branch."""
    return proposal if proposal.branch in branches else replace(proposal, branch="")


def store_layout(repository: Repository, layout: Layout) -> None:
    """Keep what was recognised, for the page that proposes it."""
    repository.layout = clean_json(asdict(layout))
    repository.save(update_fields=["layout"])


def stored_proposals(repository: Repository) -> list[Proposal]:
    """The proposals of the last look, in their order."""
    stored = (repository.layout or {}).get("proposals", [])
    return [Proposal(**{**one, **{name: tuple(one[name]) for name in _TUPLES}}) for one in stored]


_TUPLES = ("values_files", "parameters")


def renamed(proposal: Proposal, *, component: str, environment: str) -> Proposal:
    return replace(proposal, component=component, environment=environment)


def in_namespace(proposals: Sequence[Proposal], namespace: str) -> list[Proposal]:
    """Charts name no namespace by themselves: those without one go into the given one."""
    return [
        one if one.namespace or one.renderer != "helm" else replace(one, namespace=namespace)
        for one in proposals
    ]


def ask_to_recognise(repository: Repository) -> None:
    """Have a worker look what the repository holds."""
    jobs.ask(RECOGNISE, repository.pk, label=repository.name)


def take_layout(
    repository: Repository,
    proposals: Sequence[Proposal],
    *,
    environments: Sequence[str],
    clusters: dict[str, Cluster] | None = None,
    by: Person | None = None,
) -> Taken:
    """
    Make the proposed applications, with their components and environments in the given order.

    One that is there already is brought level with its proposal and keeps its history. `clusters` names
    the cluster of an environment; "" is the one for all others.
    """
    project = repository.project
    with transaction.atomic():
        stages = _take_environments(project, [*environments, *(p.environment for p in proposals)])
        parts: dict[str, Component] = {}
        for proposal in proposals:
            component = parts.get(proposal.component) or take_component(project, proposal.component)
            parts[proposal.component] = component
            stage = stages[clean_text(proposal.environment, limit=NAME_LIMIT)]
            cluster = (clusters or {}).get(stage.name) or (clusters or {}).get("")
            _take_application(repository, proposal, component, stage, cluster)
        repository.is_config = True
        repository.save(update_fields=["is_config"])
        taken = Taken(len(proposals), len(parts), len(stages))
        audit.record(by, "took applications", repository, after={"applications": taken.applications})
    return taken


def _take_environments(project: Project, names: Iterable[str]) -> dict[str, Environment]:
    """Environments by name. New ones go where the given order puts them, after those that are there."""
    found = {environment.name: environment for environment in project.environments.all()}
    last = max((environment.position for environment in found.values()), default=-1)
    for raw in names:
        name = clean_text(raw, limit=NAME_LIMIT)
        if name not in found:
            last += 1
            found[name] = Environment.objects.create(project=project, name=name, position=last)
    return found


def take_component(project: Project, raw: str) -> Component:
    """The component of that name, made if it is new."""
    name = clean_text(raw, limit=NAME_LIMIT)
    slug = slugify(name)[:NAME_LIMIT] or "component"
    known = Component.objects.filter(project=project, name=name).first()
    if known is not None:
        return known
    number = 1
    unique = slug
    while Component.objects.filter(project=project, slug=unique).exists():
        number += 1
        unique = f"{slug[: NAME_LIMIT - 5]}-{number}"
    return Component.objects.create(project=project, name=name, slug=unique)


def _take_application(
    repository: Repository,
    proposal: Proposal,
    component: Component,
    environment: Environment,
    cluster: Cluster | None,
) -> Application:
    application, _ = Application.objects.update_or_create(
        component=component,
        environment=environment,
        repository=repository,
        path=clean_text(proposal.path, limit=1000),
        release_name=clean_text(proposal.release_name, limit=100),
        namespace=clean_text(proposal.namespace, limit=253),
        defaults={
            "branch": clean_text(proposal.branch, limit=300),
            "renderer": proposal.renderer,
            "values_files": [clean_text(path) for path in proposal.values_files],
            "parameters": [clean_text(parameter) for parameter in proposal.parameters],
            "managed_by": clean_text(proposal.managed_by, limit=300),
            "refusal": clean_text(_refusal(proposal), limit=1000),
            "declared_version": clean_text(proposal.declared_version, limit=200),
            **({"cluster": cluster} if cluster else {}),
        },
    )
    watch_application(application)
    return application


def _refusal(proposal: Proposal) -> str:
    if proposal.reason or not proposal.inline_values:
        return proposal.reason
    return "It sets Helm values inside its own manifest, which are not rendered here yet."


def watch_application(application: Application) -> None:
    """Make sure that there is a job that checks it, due now if it was never checked."""
    jobs.schedule(
        CHECK,
        application.pk,
        label=str(application),
        group=application.cluster.name if application.cluster else "",
        every=settings.GITOPSUI_CHECK_EVERY,
    )


def connect_source(
    component: Component, repository: Repository, *, image: str = "", tag_pattern: str = ""
) -> None:
    """Say where the code of a component lives: from then on it has releases and its environments a lag."""
    repository.is_source = True
    repository.save(update_fields=["is_source"])
    component.source, component.tag_pattern = repository, tag_pattern
    if image and find_image(image):
        component.image = image
    component.save()
