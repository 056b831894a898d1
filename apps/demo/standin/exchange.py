"""One request and its answer, whatever carries them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gitopsui.adapters.yaml_reader import read_text
from gitopsui.domain.errors import InputError, SourceError

from .access import TokenRole
from .answers import bad_request

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is unquoted and has no query; of a repeated query parameter the last one counts."""

    method: str
    path: str
    query: Mapping[str, str]
    role: TokenRole
    accept: str = ""
    content_type: str = ""
    agent: str = ""
    body: bytes = b""

    @property
    def manager(self) -> str:
        """Who owns the fields: what the query says, else the first word of the user agent."""
        return self.query.get("fieldManager") or self.agent.partition("/")[0] or "unknown"

    @property
    def is_dry_run(self) -> bool:
        return self.query.get("dryRun") == "All"


@dataclass(frozen=True, slots=True)
class Reply:
    """`stream` goes out in chunks, in place of a body."""

    code: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterable[bytes] | None = None


def reply(value: Any, code: int = 200, *, content_type: str = JSON_TYPE) -> Reply:
    return Reply(code, encode(value), content_type)


def encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def decode(body: bytes) -> Any:
    """The JSON or YAML of a body. Raises `ApiError` 400."""
    try:
        return json.loads(body)
    except ValueError:
        pass
    try:
        documents = read_text(body)
    except (InputError, SourceError) as error:
        raise bad_request(f"error decoding the body: {error}") from error
    if len(documents) != 1:
        raise bad_request("error decoding the body: one document is expected")
    return documents[0]


def decode_object(body: bytes) -> dict[str, Any]:
    """As `decode`, for what must be a mapping."""
    value = decode(body)
    if not isinstance(value, dict):
        raise bad_request("the body is no object")
    return value
