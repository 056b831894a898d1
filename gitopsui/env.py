"""
Typed reading of the environment. A setting NAME may also be given as NAME_FILE, the path of a file with it.

Nonsense is refused at start with a sentence that names the setting: half a configuration is worse than none.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off"})
HOST_PORT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):(\d{1,5})", re.ASCII)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
DATABASE_SCHEMES = ("sqlite:///", "postgres://", "postgresql://")


@dataclass(frozen=True, slots=True)
class Env:
    """Reads one environment; the default is that of this process."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def text(self, name: str, default: str = "") -> str:
        """The value of NAME, or what the file NAME_FILE holds, without space around it."""
        if self.environment.get(name) and self.environment.get(f"{name}_FILE"):
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Keep one of them.")
        reader = environ.FileAwareEnv()
        reader.ENVIRON = environ.fileaware_mapping.FileAwareMapping(env=dict(self.environment))
        try:
            return str(reader.str(name, default=default)).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"The file that {name}_FILE names cannot be read.") from error

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.text(name).lower()
        if value and value not in YES | NO:
            raise ImproperlyConfigured(f"{name} is {value!r}. Say yes or no.")
        return value in YES if value else default

    def number(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not value.isascii() or not value.isdecimal() or not minimum <= int(value) <= maximum:
            raise ImproperlyConfigured(f"{name} is {value!r}. Give a number from {minimum} to {maximum}.")
        return int(value)

    def seconds(self, name: str, default: int, *, minimum: int, maximum: int) -> timedelta:
        return timedelta(seconds=self.number(name, default, minimum=minimum, maximum=maximum))

    def words(self, name: str) -> tuple[str, ...]:
        """Values between commas or spaces, in order."""
        return tuple(word for word in re.split(r"[,\s]+", self.text(name)) if word)

    def folder(self, name: str, default: Path) -> Path:
        return Path(self.text(name) or default).expanduser().absolute()

    def endpoints(self, name: str) -> frozenset[str]:
        """`host:port` pairs, in lower case."""
        words = self.words(name)
        for word in words:
            match = HOST_PORT.fullmatch(word)
            if match is None or not 0 < int(match[2]) < 1 << 16:
                raise ImproperlyConfigured(
                    f"{name} holds {word!r}. Each entry is host:port, for instance 127.0.0.1:8443."
                )
        return frozenset(word.lower() for word in words)

    def hosts(self, name: str) -> tuple[str, ...]:
        """Host names, `*.example.org` for every name below it; no scheme, port or path."""
        words = self.words(name)
        for word in words:
            if not re.fullmatch(
                r"(\*\.|\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9a-fA-F:]+\]|\*", word, re.ASCII
            ):
                raise ImproperlyConfigured(
                    f"{name} holds {word!r}. Give host names, without https:// and port."
                )
        return tuple(word.lower() for word in words)

    def address(self, name: str, default: str) -> str:
        """The address people open, without a slash at its end. Plain HTTP is for loopback only."""
        value = self.text(name, default).rstrip("/")
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
            raise ImproperlyConfigured(
                f"{name} is {value!r}. Give an address such as https://gitops.example.org."
            )
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ImproperlyConfigured(
                f"{name} is {value!r}. Passwords would cross the network unencrypted: "
                "put a proxy that speaks TLS in front and say https://."
            )
        return value

    def database_url(self, name: str) -> str:
        """Empty, or the URL of a SQLite file or a PostgreSQL database. Its password is never repeated."""
        value = self.text(name)
        if value and not value.startswith(DATABASE_SCHEMES):
            raise ImproperlyConfigured(f"{name} must begin with postgres:// or sqlite:///.")
        return value

    def secret(self, name: str, *, kept_in: Path, generate: Callable[[], str], min_length: int = 32) -> str:
        """
        A secret of the operator, else the one in the file `kept_in`, which is made when it is missing.

        The file may be read by its owner only. Several processes that start at once agree on one value.
        """
        value = self.text(name)
        if value and len(value) < min_length:
            raise ImproperlyConfigured(f"{name} is too short: it needs {min_length} characters or more.")
        return value or _kept_secret(kept_in, generate)


def private_folder(path: Path) -> Path:
    """Make the folder for its owner only; one that exists keeps its mode."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The folder {path} cannot be made. Set GITOPSUI_DATA to another."
        ) from error
    return path


def _kept_secret(path: Path, generate: Callable[[], str]) -> str:
    private_folder(path.parent)
    if not path.exists():
        unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(generate())
        try:
            # A link fails where the name is taken, so that the first of several processes wins.
            os.link(unfinished, path)
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
    value = path.read_text(encoding="ascii").strip()
    if not value:
        raise ImproperlyConfigured(f"The file {path} is empty. Restore it from your backup.")
    return value
