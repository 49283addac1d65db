import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('merchants', '0006_review_dates'),
    ]

    operations = [
        migrations.AlterField(
            model_name='methodconnection',
            name='method',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='connections', to='merchants.paymentmethod', verbose_name='결제수단'),
        ),
    ]
