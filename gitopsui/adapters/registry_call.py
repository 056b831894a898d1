"""
Calls to an image registry: as every HTTP call of ours, but a redirect comes back as an answer, because the
blobs of many registries lie on another host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from gitopsui.adapters.http import HttpSession, checked_headers, parse_retry_after
from gitopsui.adapters.http_policy import check_target
from gitopsui.adapters.http_socket import Deadline
from gitopsui.adapters.http_transport import Exchange, exchange
from gitopsui.domain.errors import HttpError, InputError, RegistryError

MAX_ADDRESS = 8192  # characters; the signed addresses of object stores are long
BUSY_PAUSE = timedelta(minutes=1)  # where a registry asks to wait and does not say how long
_NO_ADDRESS = re.compile(r"[^\x21-\x7e]|\\")


class RegistrySession(HttpSession):
    """Calls under one policy; every status is an answer."""

    def fetch(self, method: str, url: str, *, headers: Mapping[str, str], max_bytes: int) -> Exchange:
        """Raises HttpError with the codes of `HttpSession.request`, but for HTTP_REDIRECT."""
        check_address(url, self)
        return exchange(
            self._manager,
            method,
            url,
            deadline=Deadline.after(self.policy.total_timeout, silence=self.policy.read_timeout),
            max_bytes=min(max_bytes, self.policy.max_bytes),
            headers=checked_headers(headers),
        )


def check_address(url: str, session: HttpSession) -> None:
    """Refuse what the policy does not allow. A query may be long: it does not decide where a call goes."""
    if len(url) > MAX_ADDRESS or _NO_ADDRESS.search(url):
        raise HttpError("The registry named an address that is none.", code="URL_SYNTAX", permanent=True)
    try:
        check_target(url.partition("?")[0], session.policy, schemes=session.schemes)
    except InputError as error:
        raise HttpError(error.message, code=error.code, permanent=True) from None


def check_status(answer: Exchange, host: str) -> Exchange:
    """The answer itself when its status is 200–299. Raises RegistryError, which quotes nothing of it."""
    status = answer.status
    if 200 <= status < 300:
        return answer
    if status == 429 or (status == 503 and "retry-after" in answer.headers):
        raise busy(host, answer.headers.get("retry-after", ""))
    if 300 <= status < 400:
        message = f"{host} answers with a redirect, which is not followed."
        raise RegistryError(message, code="REGISTRY_REDIRECT", permanent=True)
    if status in REFUSALS:
        code, message, hint = REFUSALS[status]
        raise RegistryError(message.format(host=host), code=code, permanent=True, hint=hint)
    raise RegistryError(f"{host} answered with status {status}.", code="REGISTRY_STATUS")


def busy(host: str, retry_after: str) -> RegistryError:
    pause = parse_retry_after(retry_after, now=datetime.now(UTC)) or BUSY_PAUSE
    return RegistryError(f"{host} asks us to wait.", code="REGISTRY_BUSY", retry_after=pause)


REFUSALS = {
    401: (
        "REGISTRY_AUTH",
        "{host} does not let us read this image.",
        "Store a credential that may pull it and check the name: some registries say this of unknown images.",
    ),
    403: (
        "REGISTRY_FORBIDDEN",
        "{host} forbids us to read this image.",
        "Give the account the right to pull it.",
    ),
    404: (
        "REGISTRY_NOT_FOUND",
        "{host} does not have this image or tag.",
        "Check the name of the image; without a credential some registries say this of private ones.",
    ),
}
