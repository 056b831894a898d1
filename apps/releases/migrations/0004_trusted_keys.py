"""Whose signatures a project believes, and what is known of the signature of each release."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_roles_in_environments"),
        ("releases", "0003_commits_of_paths"),
    ]

    operations = [
        migrations.AddField(
            model_name="release",
            name="signature",
            field=models.JSONField(
                blank=True, help_text="verdict, of (tag or commit), fingerprint, name, reason", null=True
            ),
        ),
        migrations.CreateModel(
            name="TrustedKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "format",
                    models.CharField(choices=[("openpgp", "OpenPGP"), ("ssh", "SSH")], max_length=8),
                ),
                ("text", models.TextField(help_text="an armoured block, or type and key of ssh")),
                ("fingerprint", models.CharField(max_length=100)),
                (
                    "owner",
                    models.TextField(
                        help_text="the user id, or the names (principals) with commas between them"
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("added_by", models.CharField(max_length=200)),
                ("added_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="trusted_keys",
                        to="accounts.project",
                    ),
                ),
            ],
            options={
                "ordering": ["owner", "fingerprint"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "fingerprint"), name="a_project_trusts_a_key_once"
                    )
                ],
            },
        ),
    ]
