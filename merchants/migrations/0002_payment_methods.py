from django.db import migrations

# code, name, main method; staff may change all but the code.
METHODS = [
    ("CARD", "신용카드", True),
    ("BANK", "실시간 계좌이체", True),
    ("VBANK", "가상계좌", True),
    ("MOBILE", "휴대폰 결제", True),
    ("KAKAOPAY", "카카오페이", True),
    ("NAVERPAY", "네이버페이", True),
    ("PAYCO", "페이코", True),
    ("TOSSPAY", "토스페이", True),
    ("SAMSUNGPAY", "삼성페이", True),
    ("KONBINI", "편의점 결제", True),
    ("POINT", "포인트", False),
    ("DEPOSIT", "예치금", False),
    ("GIFTCARD", "상품권", False),
]


def add_methods(apps, schema_editor):
    model = apps.get_model("merchants", "PaymentMethod")
    for order, (code, name, is_main) in enumerate(METHODS, start=1):
        model.objects.get_or_create(
            code=code, defaults={"name": name, "is_main": is_main, "display_order": order * 10}
        )


class Migration(migrations.Migration):
    dependencies = [("merchants", "0001_initial")]
    operations = [migrations.RunPython(add_methods, migrations.RunPython.noop)]
