"""Builds the doors for messages to people: webhooks by the one HTTP policy, mail by the mail server."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from apps.promotions.services.send import Message
from gitopsui.adapters.http import HttpSession
from gitopsui.adapters.http_policy import HttpPolicy
from gitopsui.adapters.notify import post_message
from gitopsui.domain.errors import MailError
from gitopsui.domain.text import visible

MOST_BYTES = 16_000


def notify_policy() -> HttpPolicy:
    return HttpPolicy(
        private_hosts=frozenset(settings.GITOPSUI_TRUSTED_ENDPOINTS),
        connect_timeout=timedelta(seconds=3),
        read_timeout=timedelta(seconds=5),
        total_timeout=timedelta(seconds=8),
        max_bytes=MOST_BYTES,
    )


def post(address: str, message: Message) -> None:
    """To a webhook. Raises HttpError."""
    with HttpSession(notify_policy()) as http:
        post_message(http, address, subject=message.subject, text=message.text, link=message.link)


def mail(address: str, message: Message) -> None:
    """
    To a mailbox. Raises MailError: MAIL_REFUSED for good, MAIL_BROKEN where it may have arrived all the same,
    MAIL_UNREACHABLE where it has not.
    """
    if not settings.GITOPSUI_MAIL_HOST:
        raise MailError("No mail server is set.", code="MAIL_OFF", permanent=True)
    context = {"message": message, "home": settings.GITOPSUI_URL}
    letter = EmailMultiAlternatives(
        # A line break in it would begin another header.
        " ".join(visible(message.subject).split()),
        render_to_string("promotions/mail/notification.txt", context),
        to=[address],
        # The same for each try, so that a mailbox can tell that it has it already.
        headers={"Message-ID": f"<gitopsui-{message.number}@{urlsplit(settings.GITOPSUI_URL).hostname}>"},
    )
    letter.attach_alternative(render_to_string("promotions/mail/notification.html", context), "text/html")
    with _told_apart():
        letter.send()


@contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        is_final = bool(codes) and all(code >= 500 for code in codes)
        raise MailError(
            f"The mail server does not take mail for this address ({codes[0] if codes else 0}).",
            code="MAIL_REFUSED",
            permanent=is_final,
        ) from error
    except smtplib.SMTPResponseException as error:
        raise MailError(
            f"The mail server answered {error.smtp_code}.", code="MAIL_UNREACHABLE", hint=_hint(error)
        ) from error
    except smtplib.SMTPNotSupportedError as error:
        raise MailError(
            "The mail server cannot do what GITOPSUI_MAIL_TLS asks for.", code="MAIL_TLS"
        ) from error
    except (ConnectionRefusedError, smtplib.SMTPConnectError) as error:
        raise MailError("The mail server cannot be reached.", code="MAIL_UNREACHABLE") from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailError("The mail server broke the connection off.", code="MAIL_BROKEN") from error


def _hint(error: smtplib.SMTPResponseException) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "An administrator must look at GITOPSUI_MAIL_USER and GITOPSUI_MAIL_PASSWORD."
    return ""
