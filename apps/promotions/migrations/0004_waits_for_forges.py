from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('promotions', '0003_secret_of_external_gates'),
    ]

    operations = [
        migrations.CreateModel(
            name='ForgePause',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('endpoint', models.CharField(max_length=300, unique=True)),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='promotion',
            name='forge_waits_since',
            field=models.DateTimeField(blank=True, help_text='every gate is open, and the forge does not merge it yet', null=True),
        ),
    ]
