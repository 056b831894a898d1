"""Files of tools that are not rendered here: said, never silently passed over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

from gitopsui.domain.layout_contents import Contents
from gitopsui.domain.layout_files import parent_of
from gitopsui.domain.layout_names import names_of
from gitopsui.domain.layout_plain import is_aside
from gitopsui.domain.layout_proposal import DEFAULT_ENVIRONMENT, Draft, Finding, Proposal

# A file of this name says the folder is rendered by this tool.
_RENDERED_BY = {
    "helmfile.yaml": "Helmfile", "helmfile.yml": "Helmfile", "helmfile.yaml.gotmpl": "Helmfile",
    "timoni.cue": "Timoni", "kcl.mod": "KCL", "cdk8s.yaml": "cdk8s",
    "kluctl.yaml": "Kluctl", ".kluctl.yaml": "Kluctl",
}  # fmt: skip
_ALSO_SEEN = {
    "fleet.yaml": "Rancher Fleet", "skaffold.yaml": "Skaffold", "docker-compose.yaml": "Docker Compose",
    "docker-compose.yml": "Docker Compose", "compose.yaml": "Docker Compose", "Pulumi.yaml": "Pulumi",
    "Tiltfile": "Tilt",
}  # fmt: skip


def tool_drafts(contents: Contents, name: str, taken: Collection[str]) -> list[Draft]:
    """A proposal that cannot be rendered for each folder of Jsonnet, Helmfile and the like."""
    tools: dict[str, str] = {}
    for path in contents.files.all:
        folder, file = parent_of(path), path.rpartition("/")[2]
        tool = _RENDERED_BY.get(file, "Jsonnet" if file.endswith(".jsonnet") else "")
        if tool and not is_aside(folder) and folder not in taken:
            tools.setdefault(folder, tool)
    return [_draft(contents, folder, tool, name) for folder, tool in tools.items()]


def _draft(contents: Contents, folder: str, tool: str, name: str) -> Draft:
    place = contents.place(folder)
    names = names_of(place.rest, name)
    proposal = Proposal(
        component=names[0],
        environment=place.environment or DEFAULT_ENVIRONMENT,
        path=folder,
        renderer="plain",
        reason=f"It is written for {tool}, which is not rendered.",
    )
    return Draft(proposal, names, place.root, 3)


def tool_findings(contents: Contents) -> Iterator[Finding]:
    """What other tools the repository has files of."""
    seen: dict[str, list[str]] = defaultdict(list)
    for path in contents.files.all:
        name = path.rpartition("/")[2]
        tool = _ALSO_SEEN.get(name, "Terraform" if name.endswith(".tf") else "")
        if tool:
            seen[tool].append(path)
    for tool, paths in sorted(seen.items()):
        listed = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
        yield Finding("other", tool, f"Files of {tool} are not read: {listed}.", False)
