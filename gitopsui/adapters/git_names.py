"""How Git spells names and ids. Nothing else is needed to read a repository on disk, so it stands alone."""

from __future__ import annotations

import re

from gitopsui.domain.text import TEXT_LIMIT

COMMIT_ID = re.compile(r"[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?", re.ASCII)
# https://git-scm.com/docs/git-check-ref-format
REF_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|^\.|^/|/$|\.$")

# sha, parents, author, e-mail, author time, committer time, whole message; with `log -z` each ends with NUL.
LOG_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%B"
# Nothing beside what is asked for, whatever the configuration of a clone wants.
LOG_PLAIN = ("--no-color", "--no-decorate", "--no-notes", "--no-show-signature")
# Of a field: enough for the longest text we keep, in the widest letters, and a bit, so that a cut is noticed.
MAX_FIELD_BYTES = 4 * TEXT_LIMIT + 8
BRANCHES = "refs/heads/"
TAGS = "refs/tags/"
REF_FORMAT = (
    "%(refname)%00%(objectname)%00%(objecttype)%00%(*objectname)%00%(*objecttype)%00%(creatordate:unix)"
)
