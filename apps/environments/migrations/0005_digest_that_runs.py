"""The digest of the image that runs, so that the commit it was built from can be told."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("environments", "0004_what_is_silenced_and_reconciled")]

    operations = [
        migrations.AddField(
            model_name="application",
            name="live_digest",
            field=models.CharField(
                blank=True,
                default="",
                help_text="of the component's image, as its pods report it",
                max_length=200,
            ),
            preserve_default=False,
        ),
    ]
