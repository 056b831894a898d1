"""
Every setting of the program, in sections. The environment is read through `env.py`; docs/operations.md
has the table for operators.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from gitopsui.env import LOOPBACK, Env, private_folder

_env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where it keeps what it knows -------------------------------------------------------------------------

GITOPSUI_DATA = private_folder(_env.folder("GITOPSUI_DATA", BASE_DIR / "var"))
GITOPSUI_MIRRORS = private_folder(GITOPSUI_DATA / "mirrors")
GITOPSUI_SCRATCH = private_folder(GITOPSUI_DATA / "scratch")
# Nothing is fetched when less than this is free on the disk.
GITOPSUI_MIN_FREE_BYTES = _env.number("GITOPSUI_MIN_FREE_MIB", 1024, minimum=0, maximum=1 << 20) << 20

# --- Secrets ----------------------------------------------------------------------------------------------

_secrets = GITOPSUI_DATA / "secrets"
SECRET_KEY = _env.secret(
    "GITOPSUI_SECRET_KEY",
    kept_in=_secrets / "secret-key",
    generate=lambda: secrets.token_urlsafe(64),
    min_length=50,
)
# The first key encrypts, each of them decrypts: put a new one in front and run `manage.py rotate_keys`.
GITOPSUI_ENCRYPTION_KEYS = tuple(
    _env.secret(
        "GITOPSUI_ENCRYPTION_KEYS",
        kept_in=_secrets / "encryption-keys",
        generate=lambda: Fernet.generate_key().decode(),
        min_length=44,
    )
    .replace(",", " ")
    .split()
)
for _key in GITOPSUI_ENCRYPTION_KEYS:
    try:
        Fernet(_key)
    except ValueError as _error:
        raise ImproperlyConfigured(
            "GITOPSUI_ENCRYPTION_KEYS holds something that is no key: each is 32 bytes in URL-safe base64."
        ) from _error
# Equal secret values stay recognisable as equal through an HMAC with this key.
GITOPSUI_MASK_KEY = _env.secret(
    "GITOPSUI_MASK_KEY", kept_in=_secrets / "mask-key", generate=lambda: secrets.token_urlsafe(32)
)

# --- Where people open it ---------------------------------------------------------------------------------

DEBUG = _env.flag("GITOPSUI_DEBUG")
GITOPSUI_URL = _env.address("GITOPSUI_URL", "http://127.0.0.1:8000")
_address = urlsplit(GITOPSUI_URL)
_is_tls = _address.scheme == "https"
ALLOWED_HOSTS = [str(_address.hostname), *_env.hosts("GITOPSUI_ALLOWED_HOSTS")]
if _address.hostname in LOOPBACK:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [GITOPSUI_URL] if _is_tls else []
ROOT_URLCONF = "gitopsui.urls"
WSGI_APPLICATION = "gitopsui.wsgi.application"
ASGI_APPLICATION = "gitopsui.asgi.application"

# --- What it may reach ------------------------------------------------------------------------------------

# `host:port` pairs that may be loopback, private or plain HTTP; everything else must be public and HTTPS.
GITOPSUI_TRUSTED_ENDPOINTS = _env.endpoints("GITOPSUI_TRUSTED_ENDPOINTS")
# Hosts a repository may lie on; empty means any public host.
GITOPSUI_GIT_HOSTS = _env.hosts("GITOPSUI_GIT_HOSTS")
# Registries that are asked about every image there; empty means any public one, where a component says so.
GITOPSUI_REGISTRY_HOSTS = _env.hosts("GITOPSUI_REGISTRY_HOSTS")

# A private key of ssh or GnuPG without a passphrase that releases are signed with; empty: they are not.
GITOPSUI_TAG_KEY = _env.text("GITOPSUI_TAG_KEY")

# --- Mail -------------------------------------------------------------------------------------------------

# Without a host no mail is sent and nobody is offered any.
GITOPSUI_MAIL_HOST = EMAIL_HOST = _env.text("GITOPSUI_MAIL_HOST")
_mail_tls = _env.text("GITOPSUI_MAIL_TLS", "starttls").lower()
if _mail_tls not in {"starttls", "tls", "none"}:
    raise ImproperlyConfigured(f"GITOPSUI_MAIL_TLS is {_mail_tls!r}. Say starttls, tls or none.")
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail_tls == "starttls", _mail_tls == "tls"
_mail_port = {"starttls": 587, "tls": 465, "none": 25}[_mail_tls]
EMAIL_PORT = _env.number("GITOPSUI_MAIL_PORT", _mail_port, minimum=1, maximum=65535)
EMAIL_HOST_USER = _env.text("GITOPSUI_MAIL_USER")
EMAIL_HOST_PASSWORD = _env.text("GITOPSUI_MAIL_PASSWORD")
if EMAIL_HOST_PASSWORD and _mail_tls == "none" and EMAIL_HOST not in LOOPBACK:
    raise ImproperlyConfigured(
        "GITOPSUI_MAIL_PASSWORD would cross the network in the clear: set GITOPSUI_MAIL_TLS to starttls."
    )
DEFAULT_FROM_EMAIL = _env.text("GITOPSUI_MAIL_FROM", f"gitopsui@{_address.hostname}")
EMAIL_TIMEOUT = 10

# --- Programs it runs -------------------------------------------------------------------------------------

GITOPSUI_TOOLS = _env.folder("GITOPSUI_TOOLS", BASE_DIR / ".tools" / "bin")
GITOPSUI_KUSTOMIZE = _env.text("GITOPSUI_KUSTOMIZE")
GITOPSUI_HELM = _env.text("GITOPSUI_HELM")
GITOPSUI_KUBECTL = _env.text("GITOPSUI_KUBECTL")

# --- What is installed ------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    # Before the queue, whose command it replaces.
    "apps.core",
    "django_q",
    "axes",
    "csp",
    "apps.accounts",
    "apps.repositories",
    "apps.environments",
    "apps.releases",
    "apps.promotions",
    "apps.dashboard",
    "apps.demo",
]
MIDDLEWARE = [
    "apps.core.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.core.middleware.VaryOnHtmxMiddleware",
    "apps.accounts.middleware.PermissionMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.dashboard.context.shell",
            ],
            "loaders": [
                ("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"])
            ],
        },
    }
]
if DEBUG:
    TEMPLATES[0]["OPTIONS"]["loaders"] = ["django.template.loaders.filesystem.Loader"]  # type: ignore[index]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False

# --- Database ---------------------------------------------------------------------------------------------

DATABASE_URL = _env.database_url("DATABASE_URL")
_database: dict[str, Any] = environ.Env.db_url_config(
    DATABASE_URL or f"sqlite:///{GITOPSUI_DATA}/gitopsui.sqlite3"
)
# With short connections an idle worker would create the write-ahead log anew five times a second.
_database |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Without IMMEDIATE two writers that read first answer "database is locked" in spite of the timeout.
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    }
DATABASES = {"default": _database}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- The queue and what runs on its own -------------------------------------------------------------------

GITOPSUI_WORKERS = _env.number("GITOPSUI_WORKERS", 4, minimum=1, maximum=64)
GITOPSUI_REDIS_URL = _env.text("GITOPSUI_REDIS_URL")
_task_seconds = 900
Q_CLUSTER: dict[str, Any] = {
    "name": "gitopsui",
    "workers": GITOPSUI_WORKERS,
    # What waits in the memory of a cluster counts against `retry`, so it takes no more than it can work on.
    "queue_limit": GITOPSUI_WORKERS,
    "bulk": 1,
    "timeout": _task_seconds,
    # More than (⌈(queue_limit + 1) / workers⌉ + 1) times the timeout, else good tasks run twice.
    "retry": 4 * _task_seconds,
    # Attempts, back-off and history are in our own rows (apps/core/jobs.py); the queue only wakes.
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "scheduler": False,
    "save_limit": -1,
    "recycle": 500,
    "max_rss": 400_000,
    "guard_cycle": 0.5,
    "poll": 0.5,
    "log_level": "WARNING",
    "label": "Queue",
    # A second set of workers, started with Q_CLUSTER_NAME=promotions.
    "ALT_CLUSTERS": {"promotions": {"workers": 2, "queue_limit": 2}},
} | ({"redis": GITOPSUI_REDIS_URL} if GITOPSUI_REDIS_URL else {"orm": "default"})
GITOPSUI_TASK_TIMEOUT = _env.seconds(
    "GITOPSUI_TASK_TIMEOUT", _task_seconds, minimum=60, maximum=_task_seconds
)
# How often somebody looks what is due, and how often a thing becomes due by itself.
GITOPSUI_TICK = _env.seconds("GITOPSUI_TICK", 15, minimum=1, maximum=60)
GITOPSUI_POLL_EVERY = _env.seconds("GITOPSUI_POLL_SECONDS", 180, minimum=2, maximum=86_400)
# What was not seen to be true for this long is shown as stale.
GITOPSUI_CHECK_EVERY = _env.seconds("GITOPSUI_CHECK_SECONDS", 180, minimum=2, maximum=86_400)
# Three looks that were missed, and never so short that one slow round counts.
_stale_seconds = max(3 * int(GITOPSUI_CHECK_EVERY.total_seconds()), 120)
GITOPSUI_STALE_AFTER = _env.seconds("GITOPSUI_STALE_SECONDS", _stale_seconds, minimum=10, maximum=604_800)

# --- People -----------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "sign-in"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = _env.seconds("GITOPSUI_LOCKOUT_SECONDS", 60, minimum=10, maximum=86_400)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False

# --- What a browser may do --------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 << 20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _is_tls
SESSION_COOKIE_NAME = "__Host-sessionid" if _is_tls else f"gitopsui-session-{_address.port or 80}"
CSRF_COOKIE_NAME = "__Host-csrftoken" if _is_tls else f"gitopsui-csrf-{_address.port or 80}"
if _is_tls:
    # The program itself speaks no TLS: an https address means a proxy in front, which sets this header.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz)$"]

# --- Files a page needs -----------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = GITOPSUI_DATA / "static"
MANIFEST_STORAGE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
# Names with a hash once `manage.py prepare` has collected the files; until then they come from the source.
_is_collected = not DEBUG and (STATIC_ROOT / "staticfiles.json").is_file()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": MANIFEST_STORAGE
        if _is_collected
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not _is_collected

# --- The demo ---------------------------------------------------------------------------------------------

# Where the Git server and the stand-in clusters of `script/demo` listen.
GITOPSUI_DEMO = _env.flag("GITOPSUI_DEMO")
GITOPSUI_DEMO_GIT_PORT = _env.number("GITOPSUI_DEMO_GIT_PORT", 8418, minimum=1, maximum=65535)
GITOPSUI_DEMO_CLUSTER_PORT = _env.number("GITOPSUI_DEMO_CLUSTER_PORT", 8443, minimum=1, maximum=65535)

# --- Logs -------------------------------------------------------------------------------------------------

_log_level = _env.text("GITOPSUI_LOG_LEVEL", "INFO").upper()
if _log_level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
    raise ImproperlyConfigured(f"GITOPSUI_LOG_LEVEL is {_log_level!r}. Say DEBUG, INFO, WARNING or ERROR.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "apps.core.log.LineFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django-q": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "gitopsui": {"level": _log_level},
        "apps": {"level": _log_level},
    },
}
DEFAULT_EXCEPTION_REPORTER_FILTER = "apps.core.log.HidingReporterFilter"
