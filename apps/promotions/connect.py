"""Builds what a promotion reaches the outside through: its mirror, and the forge of its repository."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.urls import reverse

from apps.promotions.models import ForgeConnection, Promotion
from apps.promotions.services.forge_pauses import StoredPauses
from apps.promotions.services.plan_commit import author_of
from apps.promotions.services.turn import Doors
from apps.repositories.connect import mirror
from apps.repositories.models import Repository
from gitopsui.adapters.forge.base import Forge
from gitopsui.adapters.forge.builtin import BuiltIn
from gitopsui.adapters.forge.call import ForgeAccess
from gitopsui.adapters.forge.gitea import Gitea
from gitopsui.adapters.forge.github import GitHub
from gitopsui.adapters.forge.gitlab import GitLab
from gitopsui.adapters.git import Mirror
from gitopsui.adapters.http_policy import HttpPolicy

KINDS: dict[str, type[GitHub] | type[GitLab] | type[Gitea]] = {
    "github": GitHub,
    "gitlab": GitLab,
    "gitea": Gitea,
}


def forge_policy() -> HttpPolicy:
    """
    What the operator lets us reach: the hosts of repositories. One that is named in full may be private on
    the usual port of https; the API of github.com has a host of its own.
    """
    hosts = tuple(settings.GITOPSUI_GIT_HOSTS)
    named = {f"{host}:443" for host in hosts if not host.startswith("*")}
    return HttpPolicy(
        allowed_hosts=(*hosts, "api.github.com") if "github.com" in hosts else hosts,
        private_hosts=frozenset(settings.GITOPSUI_TRUSTED_ENDPOINTS) | named,
    )


def doors(promotion: Promotion) -> Doors:
    git = mirror(promotion.repository)
    return Doors(git=git, forge=forge_maker(promotion, git), source_forge=source_forge)


def source_forge(repository: Repository) -> Forge | None:
    """The forge of a source repository, where one is connected with a token."""
    connection = ForgeConnection.objects.filter(repository=repository).first()
    if connection is None or connection.kind not in KINDS or not connection.token:
        return None
    return forge_of(connection)


def forge_of(connection: ForgeConnection) -> GitHub | GitLab | Gitea:
    """The forge of a connection that is in use; nothing is reached before it is asked for something."""
    access = ForgeAccess(connection.api_url, connection.path, connection.token)
    return KINDS[connection.kind](access, forge_policy(), pauses=StoredPauses())


def forge_maker(promotion: Promotion, git: Mirror) -> Callable[[str], Forge]:
    """The forge of a promotion, for a head. Without a connection it is the review built in here."""
    connection = ForgeConnection.objects.filter(repository=promotion.repository_id).first()
    if connection is not None and connection.kind in KINDS and connection.token:
        forge = forge_of(connection)
        return lambda head_sha: forge

    def make(head_sha: str) -> Forge:
        return BuiltIn(
            git,
            base_branch=promotion.base_branch,
            base_sha=promotion.base_sha,
            head_sha=head_sha,
            signer=author_of(promotion),
            url=lambda number: settings.GITOPSUI_URL + reverse("promotion-detail", args=[promotion.pk]),
        )

    return make
