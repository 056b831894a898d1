from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='rolebinding',
            name='environments',
            field=models.JSONField(blank=True, default=list, help_text='names; empty: in all of them'),
        ),
    ]
