"""What pages of apps below this one show of releases: they cannot ask upwards, their templates can."""

from __future__ import annotations

from typing import Any

from django import template

from apps.releases.selectors import config_commits

register = template.Library()


@register.simple_tag
def newest_config_commits(pk: int) -> dict[str, Any]:
    """The newest commits of the config repository that touch an application; `more`: there are others."""
    rows, more = config_commits.newest_of(pk)
    return {"rows": rows, "more": more}
