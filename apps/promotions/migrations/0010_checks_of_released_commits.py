from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('promotions', '0009_people_on_forges'),
    ]

    operations = [
        migrations.AddField(
            model_name='environmentpolicy',
            name='source_checks',
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list, help_text='the same of the commits that are released'),
        ),
        migrations.AddField(
            model_name='promotion',
            name='source_checks',
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list, help_text='of released commits: repository, sha, checks'),
        ),
    ]
