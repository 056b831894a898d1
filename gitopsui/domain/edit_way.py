"""By which of its edits an application is promoted."""

from __future__ import annotations

from enum import StrEnum


class EditWay(StrEnum):
    """What of its files a promotion of an application changes."""

    IMAGE = "image"  # the version of its image, wherever its own files say it; so without a rule
    FIELD = "field"  # one named value of one file, such as the version of a chart
    FOLDER = "folder"  # a folder, over which that of another environment is copied
