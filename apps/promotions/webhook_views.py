"""The door for webhooks of forges. Public: a delivery is believed by its signature, never by its sender."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.accounts.permissions import PUBLIC, requires
from apps.promotions.services.webhooks import BODY_LIMIT, TOO_LARGE, Answer, Delivery, receive
from gitopsui.domain.webhook import FORGES


@requires(PUBLIC)
@csrf_exempt
@never_cache
@require_POST
def hook_receive(request: HttpRequest, pk: int, kind: str = "") -> HttpResponse:
    """
    One delivery; without a kind the connection of the repository says which forge sends it. A wrong
    signature, no secret and no such repository are answered alike.
    """
    if kind and kind not in FORGES:
        raise Http404("No such forge.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        return _told(Answer(415, "Send it without a Content-Encoding."))
    if _length(request) > BODY_LIMIT:
        return _told(TOO_LARGE)
    try:
        body = request.body
    except UnreadablePostError:
        return _told(Answer(400, "The delivery broke off."))
    headers = {name.lower(): value for name, value in request.headers.items()}
    address = request.META.get("REMOTE_ADDR", "")
    return _told(receive(Delivery(pk, kind, headers, body, address)))


def _length(request: HttpRequest) -> int:
    """What the sender says, before anything is read; no more than that is read afterwards."""
    told = request.META.get("CONTENT_LENGTH") or "0"
    return int(told) if str(told).isascii() and str(told).isdecimal() else 0


def _told(answer: Answer) -> HttpResponse:
    response = HttpResponse(f"{answer.text}\n", status=answer.status, content_type="text/plain")
    if answer.retry_after:
        response["Retry-After"] = str(answer.retry_after)
    return response
