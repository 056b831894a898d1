"""
Signing in to an image registry: bearer tokens from the server the registry names, or Basic.

https://distribution.github.io/distribution/spec/auth/token/. A credential is sent to the registry it was
stored for and to the token server that this registry names, and to nobody else.
"""

from __future__ import annotations

import base64
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gitopsui.adapters.http import add_params, parse_json
from gitopsui.adapters.registry_call import RegistrySession, check_status
from gitopsui.domain.errors import RegistryError

TOKEN_BYTES = 64 * 1024
CHALLENGE_CHARS = 4096
DEFAULT_SECONDS = 60  # of a token whose answer does not say how long it lasts
LONGEST_SECONDS = 3600
MARGIN_SECONDS = 10

# A scheme and its parameters; no part can match in two ways.
_SCHEME = re.compile(r"(?:^|,)\s*(bearer|basic)(?:\s+|$)", re.IGNORECASE)
_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"([^"]*)"|([^\s",]+))')


@dataclass(frozen=True, slots=True)
class RegistryCredential:
    """A name and password or token, bound to one `scheme://host:port`. Both empty: no sign-in."""

    endpoint: str
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"RegistryCredential({self.endpoint!r}, hidden)"

    @property
    def basic(self) -> dict[str, str]:
        """The header, none for an empty credential."""
        if not (self.username or self.password):
            return {}
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry asks for: `scheme` is `bearer` or `basic`."""

    scheme: str
    realm: str = ""
    service: str = ""


@dataclass(slots=True)
class SignIn:
    """
    The headers of one registry's calls. A token is kept for its scope until it expires; what the registry
    refused is never kept.
    """

    session: RegistrySession
    credential: RegistryCredential | None
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict, repr=False)
    _is_basic: bool = False

    def headers(self, scope: str) -> dict[str, str]:
        """What is known to be asked for; nothing before the first refusal."""
        if self._is_basic and self.credential:
            return self.credential.basic
        token, ends_at = self._tokens.get(scope, ("", 0.0))
        return {"Authorization": f"Bearer {token}"} if time.monotonic() < ends_at else {}

    def answer(self, header: str, scope: str, host: str) -> dict[str, str]:
        """
        The headers for the challenge in a `WWW-Authenticate`, none where we have nothing to answer with.

        Raises RegistryError or HttpError where the token server gives no token.
        """
        challenge = parse_challenge(header)
        if challenge is None:
            return {}
        if challenge.scheme == "bearer":
            self._tokens[scope] = self._fetch_token(challenge, scope, host)
            return self.headers(scope)
        self._is_basic = self.credential is not None
        return self.headers(scope)

    def _fetch_token(self, challenge: Challenge, scope: str, host: str) -> tuple[str, float]:
        wanted = {"service": challenge.service, "scope": scope} if challenge.service else {"scope": scope}
        sent = self.credential.basic if self.credential else {}
        url = add_params(challenge.realm, wanted)
        began = time.monotonic()
        reply = self.session.fetch("GET", url, headers=sent, max_bytes=TOKEN_BYTES)
        check_status(reply, urlsplit(challenge.realm).hostname or host)
        return _token_in(reply.body, began, host)


def parse_challenge(header: str) -> Challenge | None:
    """The first challenge we can answer, a bearer one before Basic; None where there is none."""
    starts = list(_SCHEME.finditer(header[:CHALLENGE_CHARS]))
    found = []
    ends = [start.start() for start in starts[1:]] + [CHALLENGE_CHARS]
    for start, end in zip(starts, ends, strict=False):
        text = header[start.end() : end]
        pairs = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(text)}
        found.append(Challenge(start[1].lower(), pairs.get("realm", ""), pairs.get("service", "")))
    usable = [one for one in found if one.scheme == "basic" or one.realm]
    return min(usable, key=lambda one: one.scheme != "bearer", default=None)


def _token_in(body: bytes, began: float, host: str) -> tuple[str, float]:
    """The token and when it ends on the monotonic clock."""
    answer = parse_json(body)
    fields = answer if isinstance(answer, dict) else {}
    token = fields.get("token") or fields.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise RegistryError(f"The token server of {host} gave no token.", code="REGISTRY_TOKEN")
    lasts = fields.get("expires_in")
    seconds = lasts if isinstance(lasts, int) and lasts > 0 else DEFAULT_SECONDS
    return token, began + max(min(seconds, LONGEST_SECONDS) - MARGIN_SECONDS, 1)
