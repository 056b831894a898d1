"""Who may do what: bearer tokens, their roles, and the two reviews by which a client asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .answers import ApiError, forbidden, qualified
from .kinds import Kind

Manifest = dict[str, Any]

READING = frozenset({"get", "list", "watch"})
_PUBLIC_PATHS = frozenset({"/version", "/livez", "/readyz", "/healthz"})
_SIGNED_IN_PATHS = ("/api", "/apis", "/openapi")


@dataclass(frozen=True, slots=True)
class TokenRole:
    """
    What a token stands for. `resources` names what it may read, as `pods` or `deployments.apps`; None is
    everything. `namespaces` narrows that, "" in it being the cluster scope; None is everywhere. Only a
    writer may change anything, and only there.
    """

    user: str = "system:serviceaccount:gitopsui:reader"
    resources: frozenset[str] | None = None
    namespaces: frozenset[str] | None = None
    is_writer: bool = False
    groups: tuple[str, ...] = field(default=("system:serviceaccounts", "system:authenticated"))

    def can(self, verb: str, group: str, plural: str, namespace: str) -> bool:
        if verb not in READING and not self.is_writer:
            return False
        if self.resources is not None and qualified(plural, group) not in self.resources:
            return False
        return self.namespaces is None or namespace in self.namespaces

    def can_get(self, path: str) -> bool:
        """Paths that are no resource: everybody signed in may discover."""
        return path in _PUBLIC_PATHS or path.startswith(_SIGNED_IN_PATHS)


ANONYMOUS = TokenRole(
    user="system:anonymous", resources=frozenset(), groups=("system:unauthenticated",)
)


def check_access(role: TokenRole, verb: str, kind: Kind, namespace: str, name: str, subresource: str = "") -> None:
    """Raises `ApiError` 403 in the words of a real server. A review may be asked by everybody signed in."""
    if not kind.is_stored and role is not ANONYMOUS:
        return
    if role.can(verb, kind.group, kind.plural, namespace):
        return
    resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    said = f'User "{role.user}" cannot {verb} resource "{resource}" in API group "{kind.group}" {where}'
    raise forbidden(said, name=name, group=kind.group, plural=kind.plural)


def check_path(role: TokenRole, verb: str, path: str) -> None:
    """Raises `ApiError` 403 for a path that is no resource."""
    is_public = path in _PUBLIC_PATHS or path.startswith(tuple(f"{public}/" for public in _PUBLIC_PATHS))
    if is_public or (role is not ANONYMOUS and role.can_get(path)):
        return
    raise forbidden(f'User "{role.user}" cannot {verb} path "{path}"')


def find_role(header: str, tokens: Mapping[str, TokenRole]) -> TokenRole | None:
    """The role of an `Authorization` header; None for a token nobody gave out."""
    scheme, _, token = header.partition(" ")
    if not header:
        return ANONYMOUS
    return tokens.get(token.strip()) if scheme.lower() == "bearer" else None


def answer_review(kind: Kind, body: Manifest, role: TokenRole) -> Manifest:
    """A SelfSubjectAccessReview or SelfSubjectReview with its status. Raises `ApiError`."""
    answer = body | {"metadata": body.get("metadata") or {}}
    if kind.kind == "SelfSubjectReview":
        return answer | {"status": {"userInfo": {"username": role.user, "groups": list(role.groups)}}}
    if kind.kind == "SelfSubjectAccessReview":
        return answer | {"status": _verdict(body.get("spec") or {}, role)}
    raise ApiError(405, "MethodNotAllowed", "create is not supported on this review")


def _verdict(spec: Mapping[str, Any], role: TokenRole) -> Manifest:
    if asked := spec.get("resourceAttributes"):
        place = asked.get("namespace", "")
        is_allowed = role.can(asked.get("verb", ""), asked.get("group", ""), asked.get("resource", ""), place)
    else:
        is_allowed = role.can_get((spec.get("nonResourceAttributes") or {}).get("path", ""))
    return {"allowed": is_allowed}
