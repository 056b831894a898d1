"""Messages to a chat: the JSON that Slack made common and Mattermost, Rocket.Chat and others read as well."""

from __future__ import annotations

from gitopsui.adapters.http import HttpSession
from gitopsui.adapters.http_transport import causes
from gitopsui.domain.errors import HttpError

MOST_CHARS = 3_000  # Slack cuts a text after 4,000, escapes counted


def post_message(http: HttpSession, url: str, *, subject: str, text: str, link: str) -> None:
    """
    Post one message to an incoming webhook. Raises HttpError, HTTP_BROKEN and HTTP_TIMEOUT where it may have
    arrived all the same; no message of it quotes the address.

    https://docs.slack.dev/messaging/formatting-message-text#escaping: unescaped text could call everybody.
    """
    lines = [f"*{_escape(subject)}*", _escape(text), link]
    try:
        http.post(url, json={"text": "\n".join(line for line in lines if line)}).check()
    except HttpError as error:
        if any(isinstance(cause, ConnectionResetError | BrokenPipeError) for cause in causes(error)):
            # The connection was there, so what was sent may have been read before it ended.
            raise HttpError(error.message, code="HTTP_BROKEN") from None
        raise


def _escape(text: str) -> str:
    cut = text if len(text) <= MOST_CHARS else f"{text[: MOST_CHARS - 1]}…"
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").strip()
