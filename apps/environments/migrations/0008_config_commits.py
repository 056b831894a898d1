"""The commits of config repositories that touch an application, with what each changed."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("environments", "0007_what_nobody_owns"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConfigCommit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sha", models.CharField(max_length=64)),
                ("at", models.DateTimeField(help_text="when it was committed, or seen if that is earlier")),
                ("author", models.CharField(blank=True, max_length=200)),
                ("subject", models.CharField(blank=True, max_length=500)),
                ("pull_request", models.PositiveIntegerField(blank=True, null=True)),
                ("previous_version", models.CharField(blank=True, max_length=200)),
                ("version", models.CharField(blank=True, max_length=200)),
                (
                    "change",
                    models.CharField(blank=True, help_text="what else it changed, in a line", max_length=500),
                ),
                (
                    "is_unrendered",
                    models.BooleanField(default=False, help_text="it cannot be rendered at this commit"),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="config_commits",
                        to="environments.application",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("application", "sha"),
                        name="a_config_commit_is_stored_once_for_an_application",
                    )
                ],
            },
        ),
    ]
