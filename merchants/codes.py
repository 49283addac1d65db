"""Codes that every app shares: gateways, live or test, devices, what a contract is for."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class GatewayCode(models.TextChoices):
    """Gateways (PG사) that PGB knows by name. Which of them it can talk to: settings.PGB_GATEWAYS."""

    STRIPE = "stripe", "Stripe"
    INICIS = "inicis", _("KG이니시스")
    TOSSPAYMENTS = "tosspayments", _("토스페이먼츠")
    BOOTPAY = "bootpay", _("부트페이")
    PORTONE_V1 = "portone_v1", _("포트원 V1")
    PORTONE_V2 = "portone_v2", _("포트원 V2")


class Mode(models.TextChoices):
    """Whether a merchant moves real money."""

    TEST = "test", _("테스트")
    LIVE = "live", _("실거래")


class Device(models.TextChoices):
    """What the buyer holds; ANY stands in connections only."""

    ANY = "any", _("모든 기기")
    PC = "pc", _("PC")
    MOBILE = "mobile", _("모바일")


class Purpose(models.TextChoices):
    """What a contract (MID) was made for. Only NORMAL ones charge orders."""

    NORMAL = "normal", _("일반결제")
    ESCROW = "escrow", _("에스크로")
    BILLING = "billing", _("정기결제")
    KEY_IN = "key_in", _("수기결제")
    ACCOUNT_CHECK = "account_check", _("계좌인증")


class ReviewState(models.TextChoices):
    """How far a card issuer's review (카드사 심사) of a contract is. It serves the issuers that PASSED."""

    REQUESTED = "requested", _("신청")
    REVIEWING = "reviewing", _("심사중")
    PASSED = "passed", _("통과")
    AGAIN = "again", _("재심사")
