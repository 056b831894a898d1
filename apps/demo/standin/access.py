"""Who may do what: each token has one role."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from enum import StrEnum

from .answers import ApiError, forbidden, unauthorized
from .kinds import Kind

READING = frozenset({"get", "list", "watch"})


class TokenRole(StrEnum):
    """What the bearer of a token may do."""

    ADMIN = "admin"  # everything, the switches for faults included
    WRITER = "writer"  # everything in the cluster
    READER = "reader"  # get, list and watch
    NOBODY = "nobody"  # known to the server, and may do nothing

    def allows(self, verb: str) -> bool:
        if self is TokenRole.NOBODY:
            return False
        return self is not TokenRole.READER or verb in READING


def authenticate(tokens: Mapping[str, TokenRole], header: str) -> TokenRole:
    """The role of an `Authorization` header. Raises `ApiError` 401."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "bearer":
        for token, role in tokens.items():
            if hmac.compare_digest(token.encode(), given.strip().encode("utf-8", "surrogateescape")):
                return role
    raise unauthorized()


def authorise(role: TokenRole, verb: str, kind: Kind, namespace: str, name: str) -> None:
    """Raises `ApiError` 403; reviews of oneself are open to everybody who is known."""
    if kind.is_stored and not role.allows(verb):
        raise refusal(role, verb, kind, namespace, name)


def refusal(role: TokenRole, verb: str, kind: Kind, namespace: str, name: str) -> ApiError:
    """The 403 in the words of RBAC."""
    place = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    text = f'User "standin:{role}" cannot {verb} resource "{kind.plural}" in API group "{kind.group}" {place}'
    return forbidden(text, name=name, group=kind.group, plural=kind.plural)
