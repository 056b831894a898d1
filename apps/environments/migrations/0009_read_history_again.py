"""The commits that were read before are read once more, for what each of them changed."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def forget_how_far_it_was_read(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("environments", "Application").objects.update(history_sha="")


class Migration(migrations.Migration):
    dependencies = [("environments", "0008_config_commits")]

    operations = [migrations.RunPython(forget_how_far_it_was_read, migrations.RunPython.noop)]
