"""
Where the web pages of a Git host show a commit or a folder, for the hosts whose addresses are known.

GitHub, GitLab and Gitea (Forgejo, Codeberg) by their own names, and servers of somebody's own whose
host name begins with the product's: `gitlab.example.org`.
"""

from __future__ import annotations

import re
from urllib.parse import quote

_SCP = re.compile(r"(?:[\w.+-]+@)?(?P<host>[\w.-]+):(?!//)(?P<path>[^/].*)")
_URL = re.compile(r"(?:https?|ssh|git)://(?:[^/@]*@)?(?P<host>[\w.-]+)(?::\d+)?/(?P<path>.+)")
# product -> how its pages of a folder and of a commit go on behind the repository
_FOLDERS = {"github": "tree/{sha}", "gitlab": "-/tree/{sha}", "gitea": "src/commit/{sha}"}
_COMMITS = {"github": "commit/{sha}", "gitlab": "-/commit/{sha}", "gitea": "commit/{sha}"}
_ISSUES = {"github": "issues/{number}", "gitlab": "-/issues/{number}", "gitea": "issues/{number}"}
_PULLS = {"github": "pull/{number}", "gitlab": "-/merge_requests/{number}", "gitea": "pulls/{number}"}
_ISSUE = re.compile(r"(?P<project>[\w.-]+(?:/[\w.-]+){1,4})?#(?P<number>\d{1,10})")
_PRODUCTS = {
    "github": "github",
    "gitlab": "gitlab",
    "gitea": "gitea",
    "forgejo": "gitea",
    "codeberg": "gitea",
}
_NAMES = {
    "github": "GitHub",
    "gitlab": "GitLab",
    "gitea": "Gitea",
    "forgejo": "Forgejo",
    "codeberg": "Codeberg",
}


def folder_address(remote: str, sha: str, path: str) -> str:
    """The page of a folder at a commit; "" where the host is not known to have one."""
    return _address(remote, sha, _FOLDERS, "" if path in ("", ".") else path.strip("/"))


def commit_address(remote: str, sha: str) -> str:
    """The page of a commit; "" where the host is not known to have one."""
    return _address(remote, sha, _COMMITS, "")


def issue_address(remote: str, issue: str) -> str:
    """The page of an issue, `#12` or `owner/name#12` on the same host; "" where none is known."""
    match = _ISSUE.fullmatch(issue)
    return _page(remote, match["number"], _ISSUES, match["project"] or "") if match else ""


def pull_request_address(remote: str, number: int) -> str:
    """The page of a pull or merge request; "" where the host is not known to have one."""
    return _page(remote, str(number), _PULLS, "")


def _page(remote: str, number: str, pages: dict[str, str], project: str) -> str:
    host, repository = _parts(remote)
    product = _PRODUCTS.get(_product(host))
    if product is None or not repository:
        return ""
    is_plain = not any(part in (".", "..") for part in project.split("/"))
    place = quote(project if project and is_plain else repository)
    return f"https://{host}/{place}/{pages[product].format(number=number)}"


def host_label(remote: str) -> str:
    """`GitHub`, `GitLab`; "" for a host that is not known."""
    return _NAMES.get(_product(_parts(remote)[0]), "")


def _address(remote: str, sha: str, pages: dict[str, str], path: str) -> str:
    host, repository = _parts(remote)
    product = _PRODUCTS.get(_product(host))
    if product is None or not repository or not re.fullmatch(r"[0-9a-f]{7,64}", sha):
        return ""
    page = pages[product].format(sha=sha)
    return "/".join(part for part in (f"https://{host}", quote(repository), page, quote(path)) if part)


def _parts(remote: str) -> tuple[str, str]:
    """Host and path of a remote in any spelling; empty where it is none."""
    match = _URL.fullmatch(remote) or _SCP.fullmatch(remote)
    if match is None:
        return "", ""
    path = match["path"].strip("/").removesuffix(".git")
    is_plain = not any(part in ("", ".", "..") for part in path.split("/"))
    return (match["host"].lower(), path) if is_plain else ("", "")


def _product(host: str) -> str:
    labels = host.split(".")
    return labels[0] if len(labels) > 1 else ""
