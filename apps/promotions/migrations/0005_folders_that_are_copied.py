import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('environments', '0001_initial'),
        ('promotions', '0004_waits_for_forges'),
    ]

    operations = [
        migrations.AddField(
            model_name='edittarget',
            name='files',
            field=models.JSONField(blank=True, default=list, help_text='edits of a folder that is copied'),
        ),
        migrations.AddField(
            model_name='edittarget',
            name='is_folder',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='edittarget',
            name='refusal',
            field=models.TextField(blank=True),
        ),
        migrations.CreateModel(
            name='EditRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('way', models.CharField(choices=[('image', 'the version of its image, wherever its own files say it'), ('field', 'one value of one file, such as the version of a chart'), ('folder', 'the folder of another environment is copied over its own')], default='image', max_length=8)),
                ('path', models.CharField(blank=True, max_length=1000)),
                ('field_path', models.CharField(blank=True, max_length=500)),
                ('source_path', models.CharField(blank=True, max_length=1000)),
                ('only', models.JSONField(blank=True, default=list, help_text='files and folders below; none: all')),
                ('keep', models.JSONField(blank=True, default=list, help_text='patterns of what is never written')),
                ('set_by', models.CharField(max_length=200)),
                ('set_at', models.DateTimeField()),
                ('application', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='edit_rule', to='environments.application')),
                ('source', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='copied_by', to='environments.application')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('way', 'folder'), _negated=True), models.Q(('path', ''), ('source_path', ''), _connector='OR', _negated=True), _connector='OR'), name='a_copied_folder_has_two_ends'), models.CheckConstraint(condition=models.Q(models.Q(('way', 'field'), _negated=True), models.Q(('path', ''), ('field_path', ''), _connector='OR', _negated=True), _connector='OR'), name='an_edited_field_has_a_file')],
            },
        ),
    ]
