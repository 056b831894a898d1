"""How well a version ran: the health that was seen last while it did, and when it was first well."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("releases", "0004_trusted_keys")]

    operations = [
        migrations.AddField(
            model_name="deploymentrecord",
            name="health",
            field=models.CharField(
                blank=True, default="", help_text="seen last while it ran; blank: never", max_length=16
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="deploymentrecord",
            name="healthy_at",
            field=models.DateTimeField(blank=True, help_text="when it was first seen well", null=True),
        ),
    ]
