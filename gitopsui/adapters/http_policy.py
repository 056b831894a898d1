"""
Where a call may go: which schemes, hosts and addresses. Everything is refused that is not a public address,
unless the operator named its host and port.

A URL is checked twice. `check_url` looks at the text alone (forms use it: no name is resolved, nothing is
contacted); `check_peer` looks at the address a connection is about to be made to, so that a name which
answers with another address the second time gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self
from urllib.parse import SplitResult, urlsplit

from gitopsui.domain.errors import InputError

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL_LENGTH = 2048

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# A label may hold an underscore: names inside a company do. Punycode is fine, other alphabets look alike.
HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*", re.ASCII)

# Addresses and names at which clouds hand out credentials; two of the addresses count as public.
# https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
METADATA_ADDRESSES = frozenset({"168.63.129.16", "169.254.169.254", "100.100.100.200", "192.0.0.192"})
METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "instance-data"})

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """
    What a call may reach and how much of it may come back.

    `allowed_hosts` empty means any public host; an entry `*.example.org` means every name below it.
    `private_hosts` holds `host:port` pairs of the operator: only these may have an address that is not
    public, and only these may be spoken to in plain HTTP. A pair with a name opens loopback and private
    addresses; link-local, multicast and metadata addresses open only by naming the address itself.
    """

    allowed_hosts: tuple[str, ...] = ()
    private_hosts: frozenset[str] = frozenset()
    connect_timeout: timedelta = timedelta(seconds=5)
    read_timeout: timedelta = timedelta(seconds=25)
    total_timeout: timedelta = timedelta(seconds=30)
    max_bytes: int = 10_000_000

    def allows_private(self, host: str, port: int) -> bool:
        return format_host_port(host, port) in {entry.lower() for entry in self.private_hosts}

    def allows_host(self, host: str) -> bool:
        return not self.allowed_hosts or any(is_host_in(host, entry) for entry in self.allowed_hosts)

    def with_private_host(self, url: str) -> Self:
        """The same policy with the host and port of `url` opened: for addresses that no user wrote."""
        target = Target.of(url)
        host_port = format_host_port(target.host, target.port)
        return replace(self, private_hosts=self.private_hosts | {host_port})


@dataclass(frozen=True, slots=True)
class Target:
    """What of a URL decides where a call goes. `host` is lower case, without brackets or final dot."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Self:
        """Raises InputError URL_SYNTAX, URL_SCHEME, URL_USERINFO or URL_HOST; no message quotes the URL."""
        parts = split_url(url)
        if "@" in parts.netloc:
            message = "The address must not hold a user name, password or token; credentials have own fields."
            raise InputError(message, code="URL_USERINFO")
        return cls(parts.scheme, host_of(parts), port_of(parts) or DEFAULT_PORTS[parts.scheme])


def check_url(url: str, policy: HttpPolicy, *, schemes: tuple[str, ...] = ("https",)) -> None:
    """
    Refuse an address somebody typed, by its text alone. Nothing is resolved or contacted.

    Raises InputError URL_SYNTAX, URL_SCHEME, URL_USERINFO, URL_HOST or URL_ADDRESS. Plain HTTP passes
    where `schemes` or the operator's `private_hosts` say so.
    """
    check_target(url, policy, schemes=schemes)
    if "?" in url or "#" in url:
        raise InputError("The address must not hold a query (?) or a fragment (#).", code="URL_SYNTAX")


def check_target(url: str, policy: HttpPolicy, *, schemes: tuple[str, ...] = ("https",)) -> Target:
    """As `check_url`, for an address a program built: a query is allowed. Answers where the call goes."""
    target = Target.of(url)
    if target.scheme not in schemes and not policy.allows_private(target.host, target.port):
        raise InputError("Only https:// is allowed here.", code="URL_SCHEME")
    if not policy.allows_host(target.host):
        message = f"The host {target.host} is not on the list of allowed hosts."
        raise InputError(message, code="URL_HOST")
    check_host(target, policy)
    return target


def check_host(target: Target, policy: HttpPolicy) -> None:
    """Refuse hosts that need no resolving to be known as ours or as nobody's."""
    address = parse_address(target.host)
    if address is not None:
        check_peer(target.host, policy, host=target.host, port=target.port)
    elif is_local_name(target.host) and not policy.allows_private(target.host, target.port):
        raise refused_address(target.host)
    elif is_disguised_address(target.host):
        raise InputError("Write an IP address in its usual form.", code="URL_ADDRESS")


def check_peer(address: str, policy: HttpPolicy | None = None, *, host: str = "", port: int = 0) -> None:
    """
    Refuse to connect to `address` (the numeric one a name resolved to) unless it is public, or
    `host`:`port` is one the operator named. Raises InputError URL_ADDRESS.
    """
    parsed = parse_address(address)
    if parsed is None:
        raise refused_address(host or address)
    if is_public(parsed):
        return
    if policy is None or not is_opened(parsed, policy, host=host, port=port):
        raise refused_address(host or address)


def is_opened(address: IpAddress, policy: HttpPolicy, *, host: str, port: int) -> bool:
    if policy.allows_private(str(address), port):
        return True
    return policy.allows_private(host, port) and not is_never_by_name(unwrap(address))


def is_public(address: IpAddress) -> bool:
    inner = unwrap(address)
    if str(inner) in METADATA_ADDRESSES or inner.is_multicast:
        return False
    return inner.is_global and not inner.is_reserved


def is_never_by_name(address: IpAddress) -> bool:
    """A name in somebody's DNS must not open these, even a name the operator trusts."""
    is_metadata = str(address) in METADATA_ADDRESSES
    return is_metadata or address.is_link_local or address.is_multicast or address.is_unspecified


def unwrap(address: IpAddress) -> IpAddress:
    """The IPv4 address inside an IPv6 spelling of it: a gateway would connect to that one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def parse_address(text: str) -> IpAddress | None:
    try:
        # A zone ("fe80::1%eth0") belongs to the socket, not to the address.
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def is_disguised_address(host: str) -> bool:
    """`0177.0.0.1`, `0x7f.1` and `2130706433` are 127.0.0.1 to the C library."""
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True


def is_local_name(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost") or host in METADATA_NAMES


def is_host_in(host: str, entry: str) -> bool:
    wanted = entry.lower().rstrip(".")
    return host.endswith(wanted[1:]) if wanted.startswith("*.") else host == wanted


def format_host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}".lower() if ":" in host else f"{host}:{port}".lower()


def refused_address(host: str) -> InputError:
    message = (
        f"{host} is a loopback, private, link-local or metadata address. "
        "An operator can allow it by its host and port."
    )
    return InputError(message, code="URL_ADDRESS")


def split_url(url: str) -> SplitResult:
    if not re.match("https?://", url, re.IGNORECASE):
        raise InputError("The address must start with https://.", code="URL_SCHEME")
    if len(url) > MAX_URL_LENGTH:
        raise InputError(f"The address is longer than {MAX_URL_LENGTH} characters.", code="URL_SYNTAX")
    # urlsplit drops tabs and newlines silently, and a backslash is a slash to some programs.
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise InputError("The address holds spaces or control characters.", code="URL_SYNTAX")
    try:
        return urlsplit(url)
    except ValueError:
        raise InputError("This is not an address of the form https://host/path.", code="URL_SYNTAX") from None


def host_of(parts: SplitResult) -> str:
    try:
        host = (parts.hostname or "").lower().removesuffix(".")
    except ValueError:
        host = ""
    is_name = len(host) <= 253 and HOST_NAME.fullmatch(host) is not None
    if not is_name and parse_address(host) is None:
        raise InputError("The host name in the address is not valid.", code="URL_HOST")
    return host


def port_of(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise InputError("The port in the address is not a number up to 65535.", code="URL_SYNTAX") from None
