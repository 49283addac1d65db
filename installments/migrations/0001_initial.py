import django.core.validators
import django.db.models.deletion
import merchants.ranges
import merchants.rules
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('merchants', '0004_card_issuers'),
    ]

    operations = [
        migrations.CreateModel(
            name='InterestFreeNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('months', models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(2), django.core.validators.MaxValueValidator(60)], verbose_name='할부개월')),
                ('buyer_turns', models.PositiveSmallIntegerField(default=0, help_text='0이면 전체 무이자. 3이면 1~3회차 이자를 고객이 부담(부분무이자)', verbose_name='고객부담 회차')),
                ('bearer', models.CharField(choices=[('issuer', '카드사'), ('shop', '상점')], default='issuer', max_length=10, verbose_name='이자 부담')),
                ('min_amount', models.BigIntegerField(default=50000, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(999999999999)], verbose_name='최소 금액')),
                ('max_amount', models.BigIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(999999999999)], verbose_name='최대 금액')),
                ('gateway', models.CharField(blank=True, choices=[('stripe', 'Stripe'), ('inicis', 'KG이니시스'), ('tosspayments', '토스페이먼츠'), ('bootpay', '부트페이'), ('portone_v1', '포트원 V1'), ('portone_v2', '포트원 V2')], default='', help_text='비우면 모든 PG사', max_length=20, verbose_name='PG사')),
                ('nation', models.CharField(default='KR', max_length=2, validators=[merchants.rules.check_nation], verbose_name='국가')),
                ('title', models.CharField(blank=True, max_length=100, verbose_name='제목')),
                ('target', models.TextField(blank=True, verbose_name='적용 대상')),
                ('exceptions', models.TextField(blank=True, verbose_name='제외 대상')),
                ('starts_on', models.DateField(verbose_name='시작일')),
                ('ends_on', models.DateField(help_text='이날 자정까지 (한국 시간)', verbose_name='종료일')),
                ('display_order', models.PositiveIntegerField(default=0, help_text='작은 수의 카드사가 먼저 나옵니다. 같으면 카드사의 순서를 따릅니다.', verbose_name='표시 순서')),
                ('in_use', models.BooleanField(default=True, verbose_name='사용')),
                ('source', models.CharField(choices=[('manual', '직접 입력'), ('toss', '토스페이먼츠 목록'), ('nice', '나이스페이 목록'), ('kicc', '이지페이 목록')], default='manual', editable=False, max_length=10, verbose_name='출처')),
                ('issuer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='merchants.cardissuer', verbose_name='카드사')),
            ],
            options={
                'verbose_name': '무이자할부 안내',
                'verbose_name_plural': '무이자할부 안내 관리',
                'ordering': ['-starts_on', 'issuer__display_order', 'issuer', 'months', 'min_amount'],
                'permissions': [('export_interestfreenotice', 'Can export 무이자할부 안내')],
                'indexes': [models.Index(fields=['nation', 'ends_on', 'starts_on'], name='notice_in_force')],
                'constraints': [models.CheckConstraint(condition=models.Q(('months__gte', 2), ('months__lte', 60)), name='notice_months_sensible'), models.CheckConstraint(condition=models.Q(('buyer_turns__lt', models.F('months'))), name='notice_turns_within_months', violation_error_code='turns', violation_error_message='고객부담 회차는 할부개월보다 작아야 합니다.'), models.CheckConstraint(condition=models.Q(('min_amount__gte', 0), models.Q(('max_amount__isnull', True), ('max_amount__gte', models.F('min_amount')), _connector='OR')), name='notice_amounts_in_order', violation_error_code='amounts', violation_error_message='금액은 0 이상, 최대 금액은 최소 금액 이상이어야 합니다.'), models.CheckConstraint(condition=models.Q(('starts_on__lte', models.F('ends_on'))), name='notice_period_in_order', violation_error_code='period', violation_error_message='종료일은 시작일보다 앞설 수 없습니다.'), models.CheckConstraint(condition=models.Q(('bearer__in', ['issuer', 'shop'])), name='notice_bearer_known'), models.CheckConstraint(condition=models.Q(('nation__regex', '^[A-Z]{2}$')), name='notice_nation_is_code'), merchants.ranges.NoOverlap(condition=models.Q(('in_use', True)), expressions=[('issuer', '='), ('months', '='), ('gateway', '='), ('nation', '='), (merchants.ranges.DateRange('starts_on', 'ends_on', models.Value('[]')), '&&'), (merchants.ranges.Int8Range('min_amount', 'max_amount', models.Value('[]')), '&&')], name='one_notice_at_a_time', violation_error_code='overlap', violation_error_message='같은 카드사와 개월수에 기간과 금액이 겹치는 안내가 이미 있습니다.')],
            },
        ),
    ]
