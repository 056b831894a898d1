"""The commit that the live state was last compared with, which may be older than what Git asks for now."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("environments", "0005_digest_that_runs")]

    operations = [
        migrations.AddField(
            model_name="application",
            name="compared_sha",
            field=models.CharField(
                blank=True,
                default="",
                help_text="commit of the last comparison with the cluster",
                max_length=64,
            ),
            preserve_default=False,
        ),
    ]
