"""
What a Kubernetes API server answers when it says no, worded as the real one words it.

Every refusal is an `ApiError`, which renders as a `Status` object
(https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cause:
    """One field that was refused; `reason` is a word such as `FieldValueInvalid`."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"


class ApiError(Exception):
    """A refusal with its HTTP code; `headers` go out with it (`Retry-After`)."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = dict(details or {})
        self.metadata = dict(metadata or {})
        self.headers = dict(headers or {})

    def status(self) -> Manifest:
        """The `Status` object of this refusal."""
        answer: Manifest = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if self.details:
            answer["details"] = self.details
        return answer


class NoSuchPath(Exception):
    """The path is none of this server; a real one answers it in plain text, not with a `Status`."""


def qualified(plural: str, group: str) -> str:
    """A resource as messages name it: `deployments.apps`, `pods`."""
    return f"{plural}.{group}" if group else plural


def _details(name: str, group: str, kind: str) -> Manifest:
    found = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in found.items() if value}


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(message: str, *, name: str = "", group: str = "", plural: str = "") -> ApiError:
    subject = qualified(plural, group) + (f' "{name}"' if name else "")
    text = f"{subject} is forbidden: {message}" if plural else f"forbidden: {message}"
    return ApiError(403, "Forbidden", text, details=_details(name, group, plural))


def not_found(plural: str, group: str, name: str) -> ApiError:
    return ApiError(
        404,
        "NotFound",
        f'{qualified(plural, group)} "{name}" not found',
        details=_details(name, group, plural),
    )


def method_not_allowed(
    message: str = "the server does not allow this method on the requested resource",
) -> ApiError:
    return ApiError(405, "MethodNotAllowed", message)


def already_exists(plural: str, group: str, name: str) -> ApiError:
    return ApiError(
        409,
        "AlreadyExists",
        f'{qualified(plural, group)} "{name}" already exists',
        details=_details(name, group, plural),
    )


def conflict(plural: str, group: str, name: str, message: str) -> ApiError:
    return ApiError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {message}',
        details=_details(name, group, plural),
    )


def modified(plural: str, group: str, name: str) -> ApiError:
    return conflict(
        plural,
        group,
        name,
        "the object has been modified; please apply your changes to the latest version and try again",
    )


def apply_conflict(message: str, causes: Sequence[Cause]) -> ApiError:
    return ApiError(409, "Conflict", message, details={"causes": [_cause(cause) for cause in causes]})


def expired(message: str, *, continue_token: str = "") -> ApiError:
    metadata = {"continue": continue_token} if continue_token else {}
    return ApiError(410, "Expired", message, metadata=metadata)


def unsupported_media_type(message: str) -> ApiError:
    return ApiError(415, "UnsupportedMediaType", message)


def invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> ApiError:
    """422; `causes` must hold at least one."""
    texts = [f"{cause.field}: {cause.message}" for cause in causes]
    said = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = _details(name, group, kind) | {"causes": [_cause(cause) for cause in causes]}
    return ApiError(422, "Invalid", f'{qualified(kind, group)} "{name}" is invalid: {said}', details=details)


def too_many_requests(retry_after: int) -> ApiError:
    return ApiError(
        429,
        "TooManyRequests",
        "too many requests, please try again later",
        details={"retryAfterSeconds": retry_after},
        headers={"Retry-After": str(retry_after)},
    )


def service_unavailable() -> ApiError:
    return ApiError(503, "ServiceUnavailable", "the server is currently unable to handle the request")


def success(details: Mapping[str, Any]) -> Manifest:
    """The `Status` of a deletion that removed the object."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": dict(details),
    }


def _cause(cause: Cause) -> Manifest:
    return {"reason": cause.reason, "message": cause.message, "field": cause.field}
