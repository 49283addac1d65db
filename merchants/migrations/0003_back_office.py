from collections import defaultdict
from itertools import combinations

import django.db.models.deletion
import django.db.models.functions.comparison
import merchants.models.shops
import merchants.ranges
import merchants.rules
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


def give_publishable_keys(apps, schema_editor):
    for shop in apps.get_model('merchants', 'Shop').objects.all():
        shop.publishable_key = merchants.models.shops.new_publishable_key()
        shop.save(update_fields=['publishable_key'])


def tell_priorities_apart(apps, schema_editor):
    """Of rows that overlap the older one has charged until now: the constraint wants that said by the priority."""
    model = apps.get_model('merchants', 'MethodConnection')
    of_key = defaultdict(list)
    for row in model.objects.filter(connected=True, in_use=True).order_by('priority', 'pk'):
        of_key[row.db_type, row.joiner_id, row.nation, row.method_id, row.device].append(row)
    for same in of_key.values():
        if any(overlap(one, other) for one, other in combinations(same, 2)):
            for priority, row in enumerate(same, start=1):
                model.objects.filter(pk=row.pk).update(priority=priority)


def overlap(one, other):
    return one.priority == other.priority and all(
        (low.max_amount is None or high.min_amount <= low.max_amount)
        and (low.ends_at is None or high.starts_at is None or high.starts_at < low.ends_at)
        for low, high in ((one, other), (other, one))
    )


class Migration(migrations.Migration):

    dependencies = [
        ('merchants', '0002_payment_methods'),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name='CardIssuer',
            fields=[
                ('code', models.CharField(max_length=20, primary_key=True, serialize=False, validators=[merchants.rules.check_name], verbose_name='코드')),
                ('name', models.CharField(max_length=50, verbose_name='이름')),
                ('name_ja', models.CharField(blank=True, max_length=50, verbose_name='이름 (일본어)')),
                ('name_en', models.CharField(blank=True, max_length=50, verbose_name='이름 (영어)')),
                ('codes', models.JSONField(blank=True, default=dict, verbose_name='PG사별 코드')),
                ('display_order', models.PositiveIntegerField(default=0, verbose_name='표시 순서')),
            ],
            options={
                'verbose_name': '카드사',
                'verbose_name_plural': '카드사',
                'ordering': ['display_order', 'code'],
            },
        ),
        migrations.CreateModel(
            name='IssuerReview',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('requested', '신청'), ('reviewing', '심사중'), ('passed', '통과'), ('again', '재심사')], default='requested', max_length=10, verbose_name='심사 상태')),
                ('requested_on', models.DateField(blank=True, null=True, verbose_name='신청일')),
                ('decided_on', models.DateField(blank=True, null=True, verbose_name='결정일')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='메모')),
            ],
            options={
                'verbose_name': '카드사 심사',
                'verbose_name_plural': '카드사 심사',
                'ordering': ['issuer__display_order', 'issuer'],
            },
        ),
        migrations.AddField(
            model_name='merchant',
            name='credential_hints',
            field=models.JSONField(default=dict, editable=False, verbose_name='인증 정보'),
        ),
        migrations.AddField(
            model_name='merchant',
            name='credentials_changed_at',
            field=models.DateTimeField(editable=False, null=True, verbose_name='인증 정보 변경'),
        ),
        migrations.AddField(
            model_name='merchant',
            name='credentials_expire_on',
            field=models.DateField(blank=True, help_text='PG사 콘솔에 만료일이 있으면 적습니다. 30일 전부터 알립니다.', null=True, verbose_name='인증 정보 만료일'),
        ),
        migrations.AddField(
            model_name='merchant',
            name='ends_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='종료'),
        ),
        migrations.AddField(
            model_name='merchant',
            name='note',
            field=models.TextField(blank=True, verbose_name='메모'),
        ),
        migrations.AddField(
            model_name='merchant',
            name='purpose',
            field=models.CharField(choices=[('normal', '일반결제'), ('escrow', '에스크로'), ('billing', '정기결제'), ('key_in', '수기결제'), ('account_check', '계좌인증')], default='normal', max_length=16, verbose_name='용도'),
        ),
        migrations.AddField(
            model_name='merchant',
            name='starts_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='시작'),
        ),
        migrations.AddField(
            model_name='methodconnection',
            name='display_order',
            field=models.PositiveIntegerField(default=0, help_text='주문서에 보이는 순서. 0이면 결제수단의 순서', verbose_name='표시 순서'),
        ),
        migrations.AddField(
            model_name='paymentmethod',
            name='name_en',
            field=models.CharField(blank=True, max_length=50, verbose_name='이름 (영어)'),
        ),
        migrations.AddField(
            model_name='paymentmethod',
            name='name_ja',
            field=models.CharField(blank=True, max_length=50, verbose_name='이름 (일본어)'),
        ),
        migrations.AddField(
            model_name='shop',
            name='publishable_key',
            field=models.CharField(editable=False, max_length=64, null=True, verbose_name='공개 키'),
        ),
        migrations.RunPython(give_publishable_keys, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='shop',
            name='publishable_key',
            field=models.CharField(default=merchants.models.shops.new_publishable_key, editable=False, max_length=64, unique=True, verbose_name='공개 키'),
        ),
        migrations.AddConstraint(
            model_name='merchant',
            constraint=models.CheckConstraint(condition=models.Q(('purpose__in', ['normal', 'escrow', 'billing', 'key_in', 'account_check'])), name='merchant_purpose_known'),
        ),
        migrations.AddConstraint(
            model_name='merchant',
            constraint=models.CheckConstraint(condition=models.Q(('starts_at__isnull', True), ('ends_at__isnull', True), ('starts_at__lt', models.F('ends_at')), _connector='OR'), name='merchant_period_in_order', violation_error_code='period', violation_error_message='종료는 시작보다 뒤여야 합니다.'),
        ),
        migrations.RunPython(tell_priorities_apart, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='methodconnection',
            constraint=merchants.ranges.NoOverlap(condition=models.Q(('connected', True), ('in_use', True)), expressions=[(django.db.models.functions.comparison.Coalesce('db_type', models.Value('')), '='), (django.db.models.functions.comparison.Coalesce('joiner_id', models.Value(-1)), '='), ('nation', '='), ('method', '='), ('device', '='), ('priority', '='), (merchants.ranges.TsTzRange('starts_at', 'ends_at', models.Value('[)')), '&&'), (merchants.ranges.Int8Range('min_amount', 'max_amount', models.Value('[]')), '&&')], name='one_connection_at_a_time', violation_error_code='overlap', violation_error_message='같은 대상, 결제수단, 기기, 우선순위에 기간과 금액이 겹치는 연결이 이미 사용 중입니다.'),
        ),
        migrations.AddField(
            model_name='issuerreview',
            name='issuer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='merchants.cardissuer', verbose_name='카드사'),
        ),
        migrations.AddField(
            model_name='issuerreview',
            name='merchant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='issuer_reviews', to='merchants.merchant', verbose_name='가맹점'),
        ),
        migrations.AddConstraint(
            model_name='issuerreview',
            constraint=models.UniqueConstraint(fields=('merchant', 'issuer'), name='one_review_per_issuer', violation_error_message='이 카드사의 심사가 이미 있습니다.'),
        ),
        migrations.AddConstraint(
            model_name='issuerreview',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['requested', 'reviewing', 'passed', 'again'])), name='review_state_known'),
        ),
    ]
