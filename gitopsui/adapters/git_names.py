"""How Git spells names and ids. Nothing else is needed to read a repository on disk, so it stands alone."""

from __future__ import annotations

import re

COMMIT_ID = re.compile(r"[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?", re.ASCII)
# https://git-scm.com/docs/git-check-ref-format
REF_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|^\.|^/|/$|\.$")

# sha, parents, author, e-mail, author time, committer time, whole message; with `log -z` each ends with NUL.
LOG_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%B"
BRANCHES = "refs/heads/"
TAGS = "refs/tags/"
REF_FORMAT = (
    "%(refname)%00%(objectname)%00%(objecttype)%00%(*objectname)%00%(*objecttype)%00%(creatordate:unix)"
)
