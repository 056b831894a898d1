"""
The error tree. Adapters translate every outside failure into one of these and keep the cause.

    GitopsuiError
    ├── SourceError          an outside failed: Git, a renderer, a cluster, a registry, HTTP
    │   ├── GitError
    │   ├── RenderError
    │   ├── ClusterError
    │   ├── RegistryError
    │   ├── ForgeError
    │   ├── MailError
    │   └── HttpError
    ├── InputError           somebody gave us something we refuse: a URL, a ref, a kubeconfig
    │   └── UnreadableFile   a file of a repository that cannot be read as what it claims to be
    ├── PromotionDenied      a rule said no; the message is a sentence for the user
    │   └── OwnApprovalDenied   whoever wrote it wanted to approve it
    └── InvalidTransition    a phase cannot be reached from where it stands

Messages are sentences for the user. They never carry tokens or Secret data.
"""

from __future__ import annotations

from datetime import timedelta


class GitopsuiError(Exception):
    """The root: everything this program raises on purpose."""


class SourceError(GitopsuiError):
    """
    An outside failed. `code` is a stable word in capitals (`GIT_AUTH`), `permanent` says that asking
    again cannot help until somebody changes something, `retry_after` is what the outside asked for,
    `hint` is a sentence on what the reader can do.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        permanent: bool = False,
        retry_after: timedelta | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.permanent = permanent
        self.retry_after = retry_after
        self.hint = hint


class GitError(SourceError):
    """The Git remote or our mirror of it failed."""


class RenderError(SourceError):
    """A folder could not be turned into manifests."""


class ClusterError(SourceError):
    """A Kubernetes API server failed, refused or fell silent."""


class ForgeError(SourceError):
    """A forge refused, failed, or answered what could not be understood."""


class RegistryError(SourceError):
    """An image registry refused, does not have it, or answered what cannot be believed."""


class MailError(SourceError):
    """The mail server could not be reached or did not take a message."""


class HttpError(SourceError):
    """An HTTP call failed before it gave a usable answer."""


class InputError(GitopsuiError):
    """Something was refused at the door. `code` is a stable word, `field` the form field it belongs to."""

    def __init__(self, message: str, *, code: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field


class UnreadableFile(InputError):
    """A file that cannot be read; `line` counts from 1, 0 where no line is to blame."""

    def __init__(self, message: str, *, code: str, path: str = "", line: int = 0) -> None:
        super().__init__(message, code=code)
        self.path = path
        self.line = line


class PromotionDenied(GitopsuiError):
    """A rule said no; the message is a sentence for the user."""


class OwnApprovalDenied(PromotionDenied):
    """Who proposed a promotion or pushed its last commit wanted to approve it; the attempt is on record."""


class InvalidTransition(GitopsuiError):
    """A phase cannot be reached from where it stands."""
