"""What a config repository is found to hold: proposals for applications, environments, findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

RendererName = Literal["plain", "kustomize", "helm"]

DEFAULT_ENVIRONMENT = "default"  # where nothing names one
MOST_PROPOSALS = 2_000
_MOST_LISTED = 5


@dataclass(frozen=True, slots=True)
class Proposal:
    """
    One component in one environment: a folder of the repository and how it becomes manifests.

    Paths start at the root of the repository, without a leading "./"; the root itself is ".".
    `values_files` come in the order Helm reads them and leave out the chart's own values.yaml.
    `inline_values` is YAML text that comes after the files, `parameters` are `name=value` as `--set`
    takes them and come last. `reason` says why it cannot be rendered here, "" means it can.
    `declared_version` is the chart version a HelmRelease or Application asks for, which may be a
    range. `branch` is "" where the repository's watched branch is meant.
    """

    component: str
    environment: str
    path: str
    renderer: RendererName
    values_files: tuple[str, ...] = ()
    release_name: str = ""
    namespace: str = ""
    cluster_hint: str = ""
    branch: str = ""
    managed_by: str = ""
    reason: str = ""
    note: str = ""
    declared_version: str = ""
    parameters: tuple[str, ...] = ()
    inline_values: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What was seen beside the proposals. `kind` groups them (`argocd`, `helm`, `limit` …), `title` is
    short, `detail` a sentence. `is_understood` is False for what nothing was made of.
    """

    kind: str
    title: str
    detail: str
    is_understood: bool


def sum_up(
    paths: Sequence[str], kind: str, title: str, what: str, *, is_understood: bool = False
) -> list[Finding]:
    """One finding for many paths, `what: a, b and 3 more.`; none for none."""
    different = sorted(set(paths))
    if not different:
        return []
    listed = ", ".join(different[:_MOST_LISTED])
    more = f" and {len(different) - _MOST_LISTED} more" if len(different) > _MOST_LISTED else ""
    return [Finding(kind, title, f"{what}: {listed}{more}.", is_understood)]


@dataclass(frozen=True, slots=True)
class Layout:
    """All proposals by component and environment, the environments first to last, the findings."""

    proposals: tuple[Proposal, ...]
    environments: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A proposal whose component is not settled yet.

    `names` are its possible names, the shortest first; a longer one is taken where two different
    `root`s of one environment would get the same. A root is the same for all environments. `doubt`
    says how sure the name is: 0 declared, 1 a folder's, 2 the repository's, 3 of what is not rendered;
    only the most doubtful ones of those that clash take a longer name.
    """

    proposal: Proposal
    names: tuple[str, ...]
    root: str
    doubt: int = 0
