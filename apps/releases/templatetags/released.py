"""What pages of apps below this one show of releases: they cannot ask upwards, their templates can."""

from __future__ import annotations

from typing import Any

from django import template

from apps.releases.selectors import config_commits
from apps.releases.selectors.overrides import index_of_repository, tell_subject

register = template.Library()


@register.simple_tag
def newest_config_commits(pk: int) -> dict[str, Any]:
    """The newest commits of the config repository that touch an application; `more`: there are others."""
    rows, more = config_commits.newest_of(pk)
    return {"rows": rows, "more": more}


@register.simple_tag(takes_context=True)
def told_subject(context: template.Context, repository: int | None, sha: str, subject: str) -> str:
    """
    What is shown in place of the subject of a commit of a repository: what people wrote in the notes of its
    components, or that they hid it. One query for all commits of a repository on a page.
    """
    request = context.get("request")
    if repository is None or not subject:
        return subject
    kept: dict[int, Any] = getattr(request, "said_of_commits", {})
    if repository not in kept:
        kept[repository] = index_of_repository(repository)
        if request is not None:
            request.said_of_commits = kept
    return tell_subject(subject, kept[repository], sha=sha).text
