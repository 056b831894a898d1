"""How an application is promoted where that is not by the version of its image."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.environments.models import Application
from gitopsui.domain.edit_way import EditWay

EDIT_WAYS = [
    (EditWay.IMAGE.value, "the version of its image, wherever its own files say it"),
    (EditWay.FIELD.value, "one value of one file, such as the version of a chart"),
    (EditWay.FOLDER.value, "the folder of another environment is copied over its own"),
]


class EditRule(models.Model):
    """
    What somebody said a promotion of an application edits; without a row it is the version of its image.

    For a field, `path` is the file and `field_path` the place in it. For a folder, `path` is the one that is
    written, and `source_path` the one of `source`, an application of the same component elsewhere.
    """

    application = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="edit_rule")
    way = models.CharField(max_length=8, choices=EDIT_WAYS, default=EditWay.IMAGE)
    path = models.CharField(max_length=1000, blank=True)
    field_path = models.CharField(max_length=500, blank=True)
    source = models.ForeignKey(
        Application, on_delete=models.SET_NULL, null=True, blank=True, related_name="copied_by"
    )
    source_path = models.CharField(max_length=1000, blank=True)
    only = models.JSONField(default=list, blank=True, help_text="files and folders below; none: all")
    keep = models.JSONField(default=list, blank=True, help_text="patterns of what is never written")
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(way=EditWay.FOLDER) | ~(Q(path="") | Q(source_path="")),
                name="a_copied_folder_has_two_ends",
            ),
            models.CheckConstraint(
                condition=~Q(way=EditWay.FIELD) | ~(Q(path="") | Q(field_path="")),
                name="an_edited_field_has_a_file",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_way_display()} of {self.application}"
