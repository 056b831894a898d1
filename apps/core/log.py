"""One event, one line: control characters escaped, secrets masked, the request named."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from django.views.debug import SafeExceptionReporterFilter

from apps.core.middleware import current_request_id
from gitopsui.domain.mask_text import mask_text

# C0 and C1 controls, line and paragraph separators, marks that turn the direction of text, lone surrogates.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
MAX_LINE_CHARS = 16_000


class LineFormatter(logging.Formatter):
    """`2026-01-31T12:00:00Z INFO apps.core.jobs [request] what happened`"""

    @staticmethod
    def converter(seconds: float | None) -> time.struct_time:
        return time.gmtime(seconds)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s%(request)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        number = current_request_id()
        record.request = f" [{number}]" if number else ""
        return escape_controls(mask_text(super().format(record)))[:MAX_LINE_CHARS]


def escape_controls(text: str) -> str:
    """The text on one line, with everything a terminal or an editor would act on made visible."""
    return _HIDDEN.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)


class HidingReporterFilter(SafeExceptionReporterFilter):
    """Error reports tell nothing of what this program is configured with."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|DATABASE|GITOPSUI|Q_CLUSTER|CREDENTIAL",
        re.IGNORECASE,
    )

    def is_active(self, request: Any) -> bool:
        return True
