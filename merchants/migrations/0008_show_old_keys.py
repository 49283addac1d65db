from django.db import migrations

from merchants.crypto import CannotOpen
from merchants.fields import SealedField, masked


def leave_hints(apps, schema_editor):
    """Of keys that were stored before their hints: staff would take them for missing."""
    credentials = SealedField('sealed_credentials')
    for merchant in apps.get_model('merchants', 'Merchant').objects.filter(credential_hints={}):
        try:
            keys = credentials.fget(merchant) or {}
        except CannotOpen:
            continue  # its page says so
        merchant.credential_hints = {name: masked(key) for name, key in sorted(keys.items())}
        merchant.save(update_fields=['credential_hints'])


class Migration(migrations.Migration):

    dependencies = [
        ('merchants', '0007_name_connections'),
    ]

    operations = [
        migrations.RunPython(leave_hints, migrations.RunPython.noop),
    ]
