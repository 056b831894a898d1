"""
Calls to a forge: one host, one token, the errors of every forge in our words, and one pause for all who call.

The token goes to the host of `api_url` and nowhere else: no redirect and no `Link` header is followed.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from gitopsui.adapters.forge.fields import Fields
from gitopsui.adapters.forge.pause import OWN, Pauses, check_pause, find_pause, hold
from gitopsui.adapters.http import HttpPolicy, HttpResponse, session
from gitopsui.adapters.http_policy import Target, format_host_port
from gitopsui.domain.errors import ForgeError, HttpError, InputError
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.text import clean_text

MOST_PAGES = 20
SAID_CHARS = 300
TITLE_CHARS = 250
NOTE_CHARS = 140  # of the description of a status


@dataclass(frozen=True, slots=True)
class ForgeAccess:
    """Where the API of a forge is, which repository of it is ours (`owner/name`), and the token."""

    api_url: str
    path: str
    token: str = field(default="", repr=False)

    @property
    def endpoint(self) -> str:
        """`host:port` of the API: the only place the token is sent to. Raises ForgeError FORGE_ADDRESS."""
        try:
            target = Target.of(self.api_url)
        except InputError as error:
            raise ForgeError(error.message, code="FORGE_ADDRESS", permanent=True) from None
        return format_host_port(target.host, target.port)


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the token may do with the repository, as far as the forge tells. `problem` is a sentence or ""."""

    name: str
    url: str
    may_write: bool
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Hints:
    """What somebody has to do, by the status a forge refused with."""

    auth: str
    forbidden: str
    not_found: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the forge that was accepted. `data` is its JSON, None where it has none."""

    status: int
    data: Any
    headers: Mapping[str, str]

    @property
    def fields(self) -> Fields:
        return Fields.of(self.data)

    @property
    def said(self) -> str:
        return said_in(self.data)


class ForgeClient:
    """One repository at one forge. `headers` carry the token."""

    def __init__(
        self,
        access: ForgeAccess,
        policy: HttpPolicy,
        *,
        headers: Mapping[str, str],
        hints: Hints,
        pauses: Pauses = OWN,
    ) -> None:
        self.access = access
        self._pauses = pauses
        self.endpoint = access.endpoint
        self.host = self.endpoint.rpartition(":")[0]
        self._url = access.api_url.rstrip("/")
        self._headers = dict(headers)
        self._hints = hints
        self._http = session(policy)
        weakref.finalize(self, self._http.close)

    def read(self, path: str, **params: str) -> Answer:
        """A GET whose answer is JSON. Raises ForgeError."""
        response = self._call("GET", path, params, None)
        self._check(response)
        return Answer(response.status, self._parse(response), response.headers)

    def send(self, method: str, path: str, body: Any = None, *, accepts: tuple[int, ...] = ()) -> Answer:
        """
        A call that changes something. The statuses of `accepts` come back beside 200–299; a body that is
        no JSON is no error, since what became of it is read back. Raises ForgeError.
        """
        response = self._call(method, path, {}, body)
        if response.status not in accepts:
            self._check(response)
        return Answer(response.status, _json_or_none(response), response.headers)

    def pages(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        size: int = 100,
        name: str = "per_page",
        most: int = MOST_PAGES,
    ) -> Iterator[Answer]:
        """Page after page, by number and never by a link of the answer, until one has nothing."""
        for page in range(1, most + 1):
            answer = self.read(path, **(params or {}), **{name: str(size)}, page=str(page))
            yield answer
            if _is_last(answer, page, size):
                return

    def _call(self, method: str, path: str, params: Mapping[str, str], body: Any) -> HttpResponse:
        check_pause(self._pauses, self.endpoint)
        query = f"?{urlencode(params)}" if params else ""
        try:
            return self._http.request(method, f"{self._url}{path}{query}", headers=self._headers, json=body)
        except HttpError as error:
            raise translate(error, self.host) from error

    def _check(self, response: HttpResponse) -> None:
        if response.is_ok:
            return
        pause = find_pause(response, said_in(_json_or_none(response)), now=datetime.now(UTC))
        if pause is not None:
            raise hold(self._pauses, self.endpoint, pause)
        raise self._refusal(response)

    def _refusal(self, response: HttpResponse) -> ForgeError:
        said = said_in(_json_or_none(response))
        quoted = f" It says: {said}" if said else ""
        if response.status == 401:
            text = f"{self.host} does not accept our token.{quoted}"
            return ForgeError(text, code="FORGE_AUTH", permanent=True, hint=self._hints.auth)
        if response.status == 403:
            text = f"{self.host} forbids it.{quoted}"
            hint = _sign_on_hint(response) or self._hints.forbidden
            return ForgeError(text, code="FORGE_FORBIDDEN", permanent=True, hint=hint)
        if response.status in (404, 410):
            text = f"{self.host} does not show {self.access.path} or what was asked of it.{quoted}"
            return ForgeError(text, code="FORGE_NOT_FOUND", permanent=True, hint=self._hints.not_found)
        if 400 <= response.status < 500:
            text = f"{self.host} refused it with status {response.status}.{quoted}"
            return ForgeError(text, code="FORGE_REFUSED")
        return ForgeError(f"{self.host} answered with status {response.status}.", code="FORGE_ERROR")

    def _parse(self, response: HttpResponse) -> Any:
        try:
            return response.json()
        except HttpError:
            raise not_understood(self.host) from None


def _is_last(answer: Answer, page: int, size: int) -> bool:
    """A server may give fewer at a time than it was asked for, so a short page alone proves nothing."""
    found = len(answer.data) if isinstance(answer.data, list) else 0
    total = answer.headers.get("x-total-count", answer.headers.get("x-total", ""))
    if not found or "x-next-page" in answer.headers:
        return not found or not answer.headers["x-next-page"].strip()
    if total.isascii() and total.isdecimal():
        return page * found >= int(total[:9])
    return found < size and 'rel="next"' not in answer.headers.get("link", "")


def segment(text: str) -> str:
    """A text as one segment of a path: no slash of it counts."""
    return quote(text, safe="")


def _json_or_none(response: HttpResponse) -> Any:
    try:
        return response.json()
    except HttpError:
        return None


def said_in(data: Any) -> str:
    """
    What a forge says in an error, masked and cut. Only words out of JSON: a page of HTML says nothing.
    GitHub: https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
    """
    fields = Fields.of(data)
    parts = [*_sentences(fields.value.get("message")), *_sentences(fields.value.get("error"))]
    parts += _sentences(fields.value.get("error_description")) + _sentences(fields.value.get("errors"))
    known = list(dict.fromkeys(part for part in parts if part))
    return mask_text(clean_text("; ".join(known[:5]), limit=SAID_CHARS))


def _sentences(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value.strip()]
    if isinstance(value, list):
        return [text for entry in value[:5] for text in _sentences(entry)]
    if isinstance(value, dict):
        if isinstance(value.get("message"), str):
            return [value["message"].strip()]
        return [f"{name}: {text}" for name in list(value)[:5] for text in _sentences(value[name])]
    return []


def _sign_on_hint(response: HttpResponse) -> str:
    """https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api (SAML single sign-on)"""
    if not response.headers.get("x-github-sso", "").startswith("required"):
        return ""
    return "The organisation asks for single sign-on: whoever made the token has to authorise it for that."


def translate(error: HttpError, host: str) -> ForgeError:
    if error.code == "HTTP_REDIRECT":
        text = f"{host} answers with a redirect, which is not followed; our token was not sent on."
        hint = "Enter the final address of the API, and the owner and name the repository has now."
        return ForgeError(text, code="FORGE_REDIRECT", permanent=True, hint=hint)
    if error.code == "HTTP_HEADER":
        text = "The token holds characters that no token has."
        return ForgeError(text, code="FORGE_AUTH", permanent=True, hint="Store it again.")
    if error.permanent:
        code = "FORGE_TLS" if error.code == "HTTP_TLS" else "FORGE_ADDRESS"
        return ForgeError(error.message, code=code, permanent=True, hint=error.hint)
    return ForgeError(error.message, code="FORGE_ERROR", retry_after=error.retry_after)


def not_understood(host: str) -> ForgeError:
    return ForgeError(f"{host} answered what could not be understood.", code="FORGE_ERROR")
