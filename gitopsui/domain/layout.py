"""
What a config repository holds, told from its files alone: the heart of "connect your own".

What people declare comes first (Argo CD, Flux); folders that no declaration speaks of are guessed
from their names. Nothing is fetched and nothing is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gitopsui.domain.layout_argocd import argo_layout
from gitopsui.domain.layout_contents import Contents
from gitopsui.domain.layout_files import MOST_FILES, Files, interesting_paths
from gitopsui.domain.layout_flux import flux_layout
from gitopsui.domain.layout_folders import FolderGuesses
from gitopsui.domain.layout_origin import repository_name
from gitopsui.domain.layout_proposal import (
    DEFAULT_ENVIRONMENT,
    MOST_PROPOSALS,
    Draft,
    Finding,
    Layout,
    Proposal,
    RendererName,
)
from gitopsui.domain.layout_settle import environments_of, settle
from gitopsui.domain.layout_tools import tool_drafts, tool_findings

__all__ = [
    "DEFAULT_ENVIRONMENT",
    "MOST_PROPOSALS",
    "Finding",
    "Layout",
    "Proposal",
    "RendererName",
    "interesting_paths",
    "recognise",
]

_NAMELESS = "app"


def recognise(
    files: Mapping[str, Sequence[Any]],
    tree: Iterable[str],
    *,
    repository_url: str = "",
    name: str = "",
    read_text: Callable[[str], Sequence[Any]] = lambda text: (),
) -> Layout:
    """
    The applications that one commit seems to hold, in a fixed order; never raises on odd documents.

    `tree` are the paths of all its files, `files` the documents of those that `interesting_paths`
    names, as far as they could be read; rendered manifests may be added under a path of the tree.
    `repository_url` tells this repository from others, `name` is what a component is called where
    nothing names it (the URL's last part if not given). `read_text` parses inline patches, no raising.
    """
    paths = [path for path in tree if isinstance(path, str)]
    contents = Contents(Files(files, paths, read_text), repository_url)
    called = name or repository_name(repository_url) or _NAMELESS
    argo, flux = argo_layout(contents), flux_layout(contents)
    declared = [*argo.drafts, *flux.drafts]
    claimed = {draft.proposal.path for draft in declared if _claims(draft, contents)}
    guesses = FolderGuesses(contents, claimed, {*argo.followed, *flux.followed}, called).all()
    guessed = _adopted(guesses.drafts, declared, contents)
    taken = claimed | {draft.proposal.path for draft in guessed}
    others = tool_drafts(contents, called, taken)
    proposals, settled = settle([*declared, *guessed, *others])
    said = [*argo.findings, *flux.findings, *guesses.findings, *settled, *tool_findings(contents)]
    said += _limits(paths)
    return Layout(tuple(proposals), environments_of(proposals), tuple(dict.fromkeys(said)))


def _claims(draft: Draft, contents: Contents) -> bool:
    """Whether what is declared deploys a folder of this commit, so that nobody need guess what it is."""
    proposal = draft.proposal
    is_remote_chart = bool(proposal.declared_version) or proposal.managed_by.startswith("Flux HelmRelease")
    return contents.files.has_folder(proposal.path) and not (is_remote_chart and proposal.reason)


def _adopted(guessed: Iterable[Draft], declared: Iterable[Draft], contents: Contents) -> list[Draft]:
    """The guesses, with the names that are declared for the same folders of other environments."""
    known: dict[str, Draft] = {}
    for draft in declared:
        place = contents.place(draft.proposal.path)
        if place.environment:
            known.setdefault(place.root, draft)
    return [
        replace(guess, names=known[guess.root].names, root=known[guess.root].root)
        if guess.root in known
        else guess
        for guess in guessed
    ]


def _limits(paths: Sequence[str]) -> Iterator[Finding]:
    if len(paths) > MOST_FILES:
        detail = f"Only the first {MOST_FILES} of {len(paths)} files were looked at."
        yield Finding("limit", "Too many files", detail, False)
