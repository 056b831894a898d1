"""
Secrets at rest: encrypted with the first of the operator's keys, readable with each of them.

What is encrypted carries the field it belongs to, so that a value copied into another column by somebody who
can write the database but holds no key is refused instead of being sent to another host.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.utils.crypto import salted_hmac

from gitopsui.domain.errors import GitopsuiError

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField

SEPARATOR = "\x1f"


class UndecryptableError(GitopsuiError):
    """A stored secret does not open with any key we have, or was moved from another field."""

    def __init__(self, purpose: str) -> None:
        super().__init__(
            f"A stored secret ({purpose}) cannot be decrypted. "
            "Restore GITOPSUI_ENCRYPTION_KEYS as it was, or enter the secret again."
        )


def encrypt(text: str, *, purpose: str) -> str:
    """The text as a token that only opens for the same purpose. Two calls give two tokens."""
    return _fernet(_keys()).encrypt(f"{purpose}{SEPARATOR}{text}".encode()).decode("ascii")


def decrypt(token: str, *, purpose: str) -> str:
    """Raises UndecryptableError."""
    try:
        opened = _fernet(_keys()).decrypt(token.encode("ascii")).decode()
    except (InvalidToken, UnicodeError) as error:
        raise UndecryptableError(purpose) from error
    found, separator, text = opened.partition(SEPARATOR)
    if not separator or found != purpose:
        raise UndecryptableError(purpose)
    return text


def fingerprint(text: str) -> str:
    """Eight characters that tell two secrets apart on a page without telling anything about them."""
    return salted_hmac("gitopsui.fingerprint", text, algorithm="sha256").hexdigest()[:8]


class EncryptedTextField(_TextField):
    """Text that the database only ever sees encrypted. Cannot be searched; empty stays empty."""

    @property
    def purpose(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    def get_prep_value(self, value: Any) -> Any:
        return encrypt(str(value), purpose=self.purpose) if value else ""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return decrypt(value, purpose=self.purpose) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        # Equal secrets have different tokens: a comparison would silently find nothing.
        if lookup_name != "isnull":
            raise TypeError(f"{self.purpose} is encrypted and cannot be searched.")
        return super().get_lookup(lookup_name)


def _keys() -> tuple[str, ...]:
    return tuple(settings.GITOPSUI_ENCRYPTION_KEYS)


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
