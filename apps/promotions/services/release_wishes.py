"""What somebody asks for who promotes a release, wherever it runs or does not run yet."""

from __future__ import annotations

from apps.environments.models import Application, Component, Environment
from apps.promotions.selectors.rollback import spell_like
from apps.promotions.services.planning import Wish
from apps.releases.selectors.registry import present_tags
from apps.releases.selectors.versions import find_releases


def wishes_of_release(target: Environment, slug: str, version: str) -> list[Wish]:
    """
    This version for each application of one component in `target`: a tag that the registry has, else a
    release, written as its image tags are. What is neither is a wish that is refused.
    """
    rows = target.applications.filter(component__slug=slug).order_by("pk")
    found = list(rows.select_related("component__source", "environment", "repository"))
    if not found:
        return []
    component = found[0].component
    has_tag = present_tags(component).filter(tag=version).exists()
    release = None if has_tag else find_releases(component, [version]).get(version)
    if not has_tag and release is None:
        return [Wish(row, version, refusal=_unknown(component, version)) for row in found]
    return [Wish(row, _spelled(row, release.version) if release else version) for row in found]


def _spelled(application: Application, version: str) -> str:
    return spell_like(version, application.desired_version)


def _unknown(component: Component, version: str) -> str:
    return f"{version} is no release of {component.name}, and no tag that its registry is known to have."
