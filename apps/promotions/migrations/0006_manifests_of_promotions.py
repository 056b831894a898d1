import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('promotions', '0005_folders_that_are_copied'),
    ]

    operations = [
        migrations.CreateModel(
            name='Rendering',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('base_sha', models.CharField(max_length=64)),
                ('head_sha', models.CharField(max_length=64)),
                ('resources', models.JSONField(default=list, help_text='group, kind, namespace, name, change, and old and new manifest')),
                ('notes', models.JSONField(default=list, help_text='what is left out, sentences')),
                ('error', models.TextField(blank=True)),
                ('error_code', models.CharField(blank=True, max_length=40)),
                ('error_hint', models.TextField(blank=True)),
                ('rendered_at', models.DateTimeField()),
                ('item', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='rendering', to='promotions.promotionitem')),
            ],
        ),
    ]
