"""Which files of an application say its version, kept for previews whenever the config repository moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from django.db import transaction

from apps.environments.models import Application, DesiredState
from apps.promotions.models import EditRule, EditTarget
from apps.promotions.services.copies import field_target, folder_target
from gitopsui.adapters.git import TreeEntry
from gitopsui.domain.edit import EditError, find_image_paths, find_values, set_image
from gitopsui.domain.edit_way import EditWay
from gitopsui.domain.errors import GitError
from gitopsui.domain.image import main_image

PREPARE = "promotions.prepare"
MOST_FILES = 400
MAX_BYTES = 400_000
_SUFFIXES = (".yaml", ".yml", ".json")
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class Tree(Protocol):
    """The part of a mirror that files are read through."""

    def tree(self, commit: str, path: str = "", *, recursive: bool = True) -> list[TreeEntry]: ...

    def blobs(self, shas: Iterable[str], *, max_bytes: int) -> dict[str, bytes]: ...


def store_targets(application: Application, *, git: Tree) -> list[EditTarget]:
    """
    Replace the files that a promotion of the application would edit, as its desired commit has them.

    Only files of its own count: one that another environment reads too would change that as well. Where a
    folder is copied, the files that say the version are kept too, for the way back.
    """
    sha = application.desired_sha
    if not sha:
        return _replace(application, [])
    rule = EditRule.objects.filter(application=application).exclude(way=EditWay.IMAGE).first()
    if rule is not None and rule.way == EditWay.FIELD:
        return _replace(application, [field_target(rule, sha, git)])
    rows = _image_targets(application, sha, git)
    if rule is not None:
        rows = [row for row in rows if row.path != rule.path] + [folder_target(rule, sha, git)]
    return _replace(application, rows)


def _image_targets(application: Application, sha: str, git: Tree) -> list[EditTarget]:
    """The files that name its image."""
    if not _image_of(application):
        return []
    files = _read(application, sha, git)
    rows = [
        EditTarget(application=application, path=path, blob_sha=blob, commit_sha=sha, text=text)
        for path, (blob, text) in files.items()
        if _names(text, application.component.image)
    ]
    if not rows and application.renderer == "helm":
        rows = _chart_targets(application, sha, files, git)
    if not rows:
        rows = [
            EditTarget(application=application, path=path, blob_sha=blob, commit_sha=sha, text=text)
            for path, (blob, text) in files.items()
            if path.rpartition("/")[2] in KUSTOMIZATIONS and application.renderer == "kustomize"
        ][:1]
    return _keep_named_fields(application, rows)


def _image_of(application: Application) -> str:
    """
    The image of its component. One that nobody named is taken from what Git asks for, and kept: versions of
    the same image are what a promotion moves.
    """
    component = application.component
    if not component.image:
        state = DesiredState.objects.filter(digest=application.desired_digest).first()
        component.image = main_image(state.manifests) if state else ""
        type(component).objects.filter(pk=component.pk, image="").update(image=component.image)
    return component.image


def _chart_targets(
    application: Application, sha: str, files: Mapping[str, tuple[str, str]], git: Tree
) -> list[EditTarget]:
    """
    The values file of its own that has the tag, where the chart itself names the image: `image.tag` in the
    one, `image.repository` in the other. Of several files the last wins, as it does for Helm.
    """
    chart = _read_texts(git, _list(git, sha, f"{application.path}/values.yaml"))
    defaults = next((text for _, text in chart.values()), "")
    fields = (
        [f"{path}.tag" for path in find_image_paths(defaults, application.component.image)]
        if defaults
        else []
    )
    own = [path for path in map(str, application.values_files) if path in files]
    for path in reversed(own):
        blob, text = files[path]
        for field in fields:
            if find_values(text, field):
                return [
                    EditTarget(
                        application=application, path=path, blob_sha=blob, commit_sha=sha, text=text,
                        field_path=field,
                    )
                ]  # fmt: skip
    return []


def _replace(application: Application, rows: Sequence[EditTarget]) -> list[EditTarget]:
    """The rows; where there are none, one without a path says at which commit that was found."""
    nothing = EditTarget(application=application, path="", commit_sha=application.desired_sha)
    with transaction.atomic():
        application.edit_targets.all().delete()
        EditTarget.objects.bulk_create(rows or [nothing])
    return list(rows)


def _keep_named_fields(application: Application, rows: list[EditTarget]) -> list[EditTarget]:
    """A path that somebody named stays with its file."""
    named = dict(application.edit_targets.exclude(field_path="").values_list("path", "field_path"))
    for row in rows:
        row.field_path = named.get(row.path, row.field_path)
    return rows


def _read(application: Application, sha: str, git: Tree) -> dict[str, tuple[str, str]]:
    """The YAML files of its own: path → blob and text, those that cannot be read left out."""
    entries = {entry.path: entry for path in _own_paths(application) for entry in _list(git, sha, path)}
    shared = _shared_paths(application)
    return _read_texts(git, [entry for path, entry in sorted(entries.items()) if path not in shared])


def _read_texts(git: Tree, entries: Iterable[TreeEntry]) -> dict[str, tuple[str, str]]:
    wanted = {entry.path: entry.sha for entry in entries if (entry.size or 0) <= MAX_BYTES}
    blobs = git.blobs(list(dict.fromkeys(wanted.values()))[:MOST_FILES], max_bytes=MOST_FILES * MAX_BYTES)
    texts: dict[str, tuple[str, str]] = {}
    for path, blob in wanted.items():
        try:
            texts[path] = blob, blobs[blob].decode("utf-8")
        except (KeyError, UnicodeDecodeError):
            continue
    return texts


def _own_paths(application: Application) -> list[str]:
    """Its folder and its values files; for a chart only the values, since the chart is everybody's."""
    values = [str(path) for path in application.values_files]
    if application.renderer == "helm" and values:
        return values
    return [application.path, *values]


def _list(git: Tree, sha: str, path: str) -> list[TreeEntry]:
    try:
        entries = git.tree(sha, "" if path == "." else path)
    except GitError as error:
        if error.code != "GIT_REF_MISSING":
            raise
        return []
    return [
        entry for entry in entries if entry.path.endswith(_SUFFIXES) or entry.path.endswith(KUSTOMIZATIONS)
    ]


def _shared_paths(application: Application) -> set[str]:
    """Values files that an application of another environment reads too."""
    others = Application.objects.filter(
        repository=application.repository_id, branch=application.branch
    ).exclude(environment=application.environment_id)
    return {str(path) for values in others.values_list("values_files", flat=True) for path in values}


def _names(text: str, image: str) -> bool:
    try:
        set_image(text, image, "0.0.0")
    except EditError:
        return False
    return True
