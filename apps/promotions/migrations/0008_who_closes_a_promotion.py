from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("promotions", "0007_merged_and_not_followed"),
    ]

    operations = [
        migrations.AddField(
            model_name="promotion",
            name="close_asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        # Workers of the release before write rows without it and set `wants_close` alone: both are allowed.
        migrations.AddField(
            model_name="promotion",
            name="close_asked_by",
            field=models.CharField(
                blank=True, db_default="", default="", help_text='"": before this was noted', max_length=200
            ),
        ),
        migrations.AddConstraint(
            model_name="promotion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("close_asked_at", None), ("close_asked_by", "")),
                    models.Q(
                        ("close_asked_at__isnull", False),
                        ("wants_close", True),
                        models.Q(("close_asked_by", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="who_closes_it_does_so_since_a_time",
            ),
        ),
    ]
