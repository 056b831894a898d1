"""
Secrets in free text: credentials in URLs, tokens, private keys, `password=…`. Best effort by shape.

A masked value is six bullets, with a short HMAC behind them where a key was given, so that equal
values stay equal and different ones different: `••••••(3f2a91bc)`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from functools import lru_cache

BULLETS = "••••••"

_MASKED = re.compile(r"••••••(?:\([0-9a-f]{8}\))?")
_SUFFIX = re.compile(r"••••••\([0-9a-f]{8}\)")
# A mask of a mask of a mask: texts that still change after this many rounds are made up by somebody.
_ROUNDS = 4

# Names whose value is a secret whoever wrote it: environment variables, keys of a ConfigMap, annotations.
_TELLING_NAME = re.compile(r"pass|secret|token|key|credential", re.IGNORECASE)
# Flags and variables that say where a secret lies and not what it is.
_POINTER_NAME = re.compile(r"[-_](?:file|path|dir|ref)$", re.IGNORECASE)
_HEADER_NAME = re.compile(r"(?:proxy-)?authorization|(?:set-)?cookie", re.IGNORECASE)
# Fields of any object that hold a secret in the clear, as against those that name one (secretName, keyRef).
_TELLING_FIELD = re.compile(
    r"(?:.*(?:password|passwd|passphrase|token|api[-_]?key|access[-_]?key|private[-_]?key|key[-_]data)"
    r"|.*(?:access[-_]?key|client|shared|webhook|hmac|app|oauth)[-_]?secret|secret[-_]?access[-_]?key"
    r"|secret|credentials?|auth|htpasswd|\.?dockerconfigjson|dockercfg)",
    re.IGNORECASE,
)

_WORD = (
    "(?:password|passwd|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|key[-_]data|"
    "credentials?)"
)
_VALUE = r"(?:\\(?![\"'])|[^\s\"',;&}\\])+"

# Each pattern has one group called `secret`: that part is replaced, the rest of the match stays. The bounds
# and the looks behind keep every pattern fast on hostile text.
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        # PEM private keys, whole or cut off, in the clear and in base64.
        r"-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY-----(?P<secret>[\s\S]*?)"
        r"(?:-----END [A-Z0-9 ]{0,32}KEY-----|\Z)",
        r"(?P<secret>LS0tLS1CRUdJTiB(?:QUklWQVRF|SU0EgUFJJVkFUR|FQyBQUklWQVRF|PUEVOU1NIIFBSSVZBVE|FTkNSWVBURUQg)"
        r"[A-Za-z0-9+/=\s]*)",
        # https://user:password@host, https://token@host; the password may hold a raw @ or /.
        r"://(?P<secret>[^\s/?#\"'<>@:]{0,256}:(?!\d{1,5}(?:[/?#\s]|$))[^\s\"'<>]{0,512})@",
        r"://(?!git@)(?P<secret>[^\s/?#\"'<>]{1,512})@",
        # user:password@host.example without a scheme, as in a proxy setting.
        r"(?<![\w/.+-])(?!mailto:)(?P<secret>[\w.+-]{1,128}:[^\s:@/\"']{6,256})@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b",
        r"[?&](?:access_token|private_token|token|api_?key|key|secret|client_secret|password|sig|signature"
        r"|X-Amz-(?:Signature|Security-Token)|auth|code)=(?P<secret>[^&#\s\"'<>]+)",
        # JSON web tokens and the tokens that carry their maker in front.
        r"(?<![A-Za-z0-9])(?P<secret>eyJ[A-Za-z0-9_-]{8,1024}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?)",
        r"(?P<secret>\b(?:gh[opusr]_\w{16,}|github_pat_\w{20,}|gl[a-z]{2,5}-[\w-]{16,}|xox[a-z]-[\w-]{10,}"
        r"|(?:AKIA|ASIA)[0-9A-Z]{16}|npm_\w{30,}|hvs\.[\w-]{20,}|sk-[\w-]{20,}))",
        r"(?i:\b(?:bearer|basic)[ \t]+)(?=\S{16}|\S{0,16}[0-9=])(?P<secret>[A-Za-z0-9+/=._~-]{8,})",
        # password=…, "token": "…", --api-key … .
        rf"(?i:{_WORD})\\{{0,4}}[\"']?[ \t]*[:=][ \t]*\\{{0,4}}(?P<quote>[\"'])?"
        rf"(?P<secret>(?(quote)(?:(?!(?P=quote))[^\n\\]|\\(?!(?P=quote)))+|{_VALUE}))",
        r"(?<![\w-])(?i:--?[\w-]{0,64}?(?:password|passwd|token|secret|api-key|access-key|private-key|credentials?))"
        rf"(?:[ \t]+[\"']?|=)(?P<secret>(?!-){_VALUE})",
    )
)
_CLUE_PREFIX = re.compile(
    r"gh[opusr]_|gl[a-z]{2,5}-|xox[a-z]-|AKIA|ASIA|npm_|hvs\.|sk-|[?&](?:sig|auth|code)"
)
_SHORTEST = 8

Replace = Callable[[str], str]


def is_masked(value: str) -> bool:
    """Whether a text is nothing but a mask."""
    return value.startswith(BULLETS) and _MASKED.fullmatch(value) is not None


def keyed_mask(value: bytes, key: bytes) -> str:
    """The mask of a value: bullets and the first 8 hex digits of HMAC-SHA256(key, value)."""
    return f"{BULLETS}({hmac.digest(key, value, hashlib.sha256).hex()[:8]})"


def mask_text(value: str) -> str:
    """A free text, such as a status message or what a program wrote, with bullets for every secret."""
    return mask_patterns(value, lambda _: BULLETS)


def display(value: str) -> str:
    """A masked text as a page shows it: the bullets without the HMAC."""
    return _SUFFIX.sub(BULLETS, value)


def mask_spans(value: str) -> list[tuple[int, int]]:
    """Where the hashes behind bullets stand, without the bullets."""
    return [(match.start() + len(BULLETS), match.end()) for match in _SUFFIX.finditer(value)]


def mask_patterns(value: str, replace: Replace) -> str:
    """The text with each secret in it replaced; masking the result again changes nothing."""
    if not _may_hold_secret(value):
        return value
    for _ in range(_ROUNDS):
        masked = _mask_once(value, replace)
        if masked == value:
            break
        value = masked
    return value


def _may_hold_secret(text: str) -> bool:
    # Every text that a pattern can match holds one of these. Spelled out, since this runs for each text of a
    # cluster and a loop would take three times as long.
    if len(text) < _SHORTEST:
        return False
    if "://" in text or "eyJ" in text or "@" in text or "PRIVATE" in text or "LS0tLS1C" in text:
        return True
    low = text.lower()
    if "pass" in low or "pwd" in low or "secret" in low or "token" in low or "key" in low:
        return True
    if "credential" in low or "bearer" in low or "basic" in low:
        return True
    return _CLUE_PREFIX.search(text) is not None


def _mask_once(value: str, replace: Replace) -> str:
    def substitute(match: re.Match[str]) -> str:
        secret = match["secret"]
        if not secret or is_masked(secret):
            return match[0]
        start, end = match.span("secret")
        offset = match.start()
        return match[0][: start - offset] + replace(secret) + match[0][end - offset :]

    for pattern in _PATTERNS:
        value = pattern.sub(substitute, value)
    return value


@lru_cache(maxsize=8192)
def is_telling_name(name: str) -> bool:
    """Whether an environment variable, a key of a ConfigMap or an annotation of this name holds a secret."""
    return _HEADER_NAME.fullmatch(name) is not None or _TELLING_NAME.search(name) is not None


def is_telling_flag(argument: str) -> bool:
    """Whether the next argument of a command line is a secret: `--password`, not `--token-file`."""
    if not argument.startswith("-") or "=" in argument or len(argument) > 64:
        return False
    return _TELLING_NAME.search(argument) is not None and _POINTER_NAME.search(argument) is None


@lru_cache(maxsize=8192)
def is_telling_field(name: str) -> bool:
    """Whether a field of this name holds a secret in the clear; `secretName` and `tokenSecretRef` do not."""
    return len(name) < 64 and _TELLING_FIELD.fullmatch(name) is not None
