"""What is looked at before the program starts: names that no setting has, data that others could read."""

from __future__ import annotations

import difflib
import os
import re
import stat
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

# Read by the scripts and the supervisor, not by settings.py.
OTHER_NAMES = frozenset(
    {"GITOPSUI_INSTANCE", "GITOPSUI_WEB_PROCESSES", "GITOPSUI_WEB_THREADS", "GITOPSUI_STALL_SECONDS"}
)
_NAME = re.compile(r'"(GITOPSUI_[A-Z_]+)"')


@register()
def check_names(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A misspelt name would silently change nothing."""
    source = (Path(settings.BASE_DIR) / "gitopsui" / "settings.py").read_text(encoding="utf-8")
    known = OTHER_NAMES | frozenset(_NAME.findall(source))
    messages: list[CheckMessage] = []
    for name in sorted(os.environ):
        plain = name.removesuffix("_FILE")
        if not name.startswith("GITOPSUI_") or plain in known or name.startswith("GITOPSUI_TEST_"):
            continue
        near = difflib.get_close_matches(plain, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else None
        messages.append(checks.Warning(f"{name} is no setting of gitopsui.", hint=hint, id="gitopsui.W001"))
    return messages


@register()
def check_folders(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Mirrors and secrets are for the owner only."""
    messages: list[CheckMessage] = []
    for folder in (settings.GITOPSUI_MIRRORS, settings.GITOPSUI_SCRATCH, settings.GITOPSUI_DATA / "secrets"):
        path = Path(folder)
        if path.is_dir() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            messages.append(
                Error(f"{path} can be read by others.", hint=f"chmod -R go= {path}", id="gitopsui.E001")
            )
    return messages


@register()
def check_yaml(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without libyaml every file takes seventeen times as long."""
    if yaml.__with_libyaml__:
        return []
    return [Error("PyYAML was built without libyaml.", hint="Install the wheel.", id="gitopsui.E002")]
