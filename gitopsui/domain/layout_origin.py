"""Which of the repositories that Applications and Flux name is the one they lie in."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?([^:/\s]+):(?!//)(.+)")


def address_of(url: str) -> str:
    """
    Host and path of a repository URL in one spelling, without user, password, scheme and `.git`.

    `git@github.com:Shop/Config.git` and `https://github.com/shop/config` are the same repository.
    """
    text = url.strip()
    scheme, mark, rest = text.partition("://")
    if not mark:
        scp = _SCP_LIKE.fullmatch(text)
        rest = f"{scp[1]}/{scp[2]}" if scp else text
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2]
    if scheme in ("ssh", "https", "http") and mark:
        host = re.sub(r":(?:22|80|443)$", "", host)
    path = path.partition("?")[0].strip("/").removesuffix(".git")
    return f"{host}{slash}{path}".lower()


def shown_url(url: str) -> str:
    """The URL as it may be shown: without user and password, cut to a line."""
    scheme, mark, rest = url.strip().partition("://")
    host, slash, path = rest.partition("/")
    shown = f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}" if mark else url.strip()
    return shown if len(shown) <= 160 else f"{shown[:159]}…"


def repository_name(url: str) -> str:
    """The last part of the address: what people call the repository; "" without one."""
    return address_of(url).rpartition("/")[2]


class Origin:
    """
    Knows the addresses that mean this repository.

    `url` is where it was cloned from, "" if unknown. Another address counts as ours when most of the
    folders named with it are here and it has the same last part (a fork, a mirror, a placeholder), or
    when no document names `url` at all.
    """

    def __init__(self, url: str, named: Iterable[tuple[str, bool]]) -> None:
        """`named`: each URL a document names, and whether the folder named with it is here."""
        votes: dict[str, list[bool]] = defaultdict(list)
        for other, is_here in named:
            votes[address_of(other)].append(is_here)
        own = address_of(url) if url else ""
        alike = {address for address, here in votes.items() if sum(here) * 2 > len(here)}
        if own in votes:
            alike = {address for address in alike if repository_name(address) == repository_name(own)}
        self._own = alike | {own}

    def is_own(self, url: str) -> bool:
        """Whether a document that names `url` means the repository it lies in; no URL means it does."""
        return not url.strip() or address_of(url) in self._own
