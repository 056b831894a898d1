"""Small middlewares every request passes: its number for log and audit, and what its answer varies with."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

GetResponse = Callable[[HttpRequest], HttpResponse]

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """The number of the request this thread answers; empty outside of one."""
    return _request_id.get()


class RequestIdMiddleware:
    """Numbers each request: `X-Request-Id` of the answer, of the log lines and of the audit trail."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # A number of our own: one from outside could pretend to be another's, or forge a log line.
        number = secrets.token_hex(8)
        reset = _request_id.set(number)
        try:
            response = self.get_response(request)
        finally:
            _request_id.reset(reset)
        response["X-Request-Id"] = number
        return response


class VaryOnHtmxMiddleware:
    """A partial and its page have one address: no cache may give one for the other."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        return response
