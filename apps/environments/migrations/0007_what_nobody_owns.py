"""Objects in the namespaces of applications that carry no mark and have no maker."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("environments", "0006_commit_compared_last")]

    operations = [
        migrations.CreateModel(
            name="KindOrphans",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("namespace", models.CharField(max_length=253)),
                ("group", models.CharField(blank=True, max_length=253)),
                ("kind", models.CharField(max_length=100)),
                (
                    "objects_there",
                    models.JSONField(default=list, help_text="name and created_at of each, by name"),
                ),
                ("rest_count", models.PositiveIntegerField(default=0, help_text="more that are not kept")),
                (
                    "digest",
                    models.CharField(
                        blank=True, help_text="of what was listed; blank for nothing", max_length=64
                    ),
                ),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="orphans",
                        to="environments.cluster",
                    ),
                ),
            ],
            options={
                "ordering": ["namespace", "kind", "group"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("cluster", "namespace", "group", "kind"),
                        name="orphans_of_a_kind_are_stored_once_in_a_namespace",
                    )
                ],
            },
        ),
    ]
