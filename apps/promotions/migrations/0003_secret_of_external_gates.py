from django.db import migrations

import apps.core.crypto


class Migration(migrations.Migration):

    dependencies = [
        ('promotions', '0002_answers_of_gates'),
    ]

    operations = [
        migrations.AddField(
            model_name='environmentpolicy',
            name='gate_secret',
            field=apps.core.crypto.EncryptedTextField(blank=True, default='', help_text='signs what external gates are asked'),
        ),
    ]
