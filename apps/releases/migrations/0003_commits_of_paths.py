"""Which commits of a repository with several components are of one of them."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("environments", "0005_digest_that_runs"),
        ("releases", "0002_registry_policy_and_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="PathCommits",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("digest", models.CharField(max_length=64)),
                ("ids", models.BinaryField()),
                ("id_bytes", models.PositiveSmallIntegerField(default=20)),
                (
                    "component",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="path_commits",
                        to="environments.component",
                    ),
                ),
            ],
        ),
    ]
