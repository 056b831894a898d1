"""By what a commit is recognised under another id, also of the commits that are stored already."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from gitopsui.domain.same_change import keys_of

ROWS_AT_ONCE = 1_000


def store_keys(apps: Any, schema_editor: Any) -> None:
    """The next polls store the keys of the commits they bring."""
    commits = apps.get_model("repositories", "StoredCommit").objects
    keys = apps.get_model("repositories", "CommitKey")
    waiting = []
    rows = commits.order_by("pk").values_list("repository_id", "sha", "message")
    for repository, sha, message in rows.iterator(chunk_size=ROWS_AT_ONCE):
        waiting += [
            keys(repository_id=repository, kind=str(key.kind), value=key.value, sha=sha)
            for key in keys_of(message)
        ]
        if len(waiting) >= ROWS_AT_ONCE:
            keys.objects.bulk_create(waiting, batch_size=500, ignore_conflicts=True)
            waiting = []
    keys.objects.bulk_create(waiting, batch_size=500, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("repositories", "0002_commits_and_their_graph")]

    operations = [
        migrations.CreateModel(
            name="CommitKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=8)),
                ("value", models.CharField(max_length=64)),
                ("sha", models.CharField(max_length=64)),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="commit_keys",
                        to="repositories.repository",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("repository", "kind", "value", "sha"), name="a_key_of_a_commit_is_stored_once"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="storedcommit",
            index=models.Index(fields=["repository", "patch_id"], name="commits_of_a_patch"),
        ),
        migrations.RunPython(store_keys, migrations.RunPython.noop),
    ]
