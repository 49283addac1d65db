"""What each gateway's own console calls things: staff copy from there, and find the same words here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from merchants.codes import GatewayCode


@dataclass(frozen=True, slots=True)
class Console:
    """A gateway's console. ``keys``: its names of the credentials, in its order; ``events``: what to have sent."""

    summary: Any
    mid: Any
    keys: Mapping[str, Any]
    where: Any
    webhook: Any
    events: tuple[str, ...] = field(default=())


CONSOLES: dict[str, Console] = {
    GatewayCode.STRIPE: Console(
        summary=_("해외 카드와 간편결제. 결제창은 Stripe의 페이지입니다."),
        mid=_("계정 ID (acct_...)"),
        keys={
            "secret_key": "Secret key",
            "webhook_secret": "Webhook signing secret",
            "webhook_secret_old": _("Webhook signing secret (교체 전)"),
        },
        where=_(
            "Stripe 대시보드 > Developers > API keys에서 Secret key를, Webhooks의 엔드포인트에서 Signing secret을 "
            "복사합니다. 테스트와 실거래의 키가 다릅니다."
        ),
        webhook=_("Stripe 대시보드 > Developers > Webhooks에 엔드포인트로 등록하고 아래 이벤트를 고릅니다."),
        events=(
            "checkout.session.completed",
            "checkout.session.async_payment_succeeded",
            "checkout.session.async_payment_failed",
            "checkout.session.expired",
            "refund.created",
            "refund.updated",
            "refund.failed",
            "charge.refunded",
            "charge.dispute.created",
            "charge.dispute.updated",
            "charge.dispute.closed",
        ),
    ),
    GatewayCode.INICIS: Console(
        summary=_("국내 카드, 계좌이체, 가상계좌, 휴대폰결제. 카드사마다 심사가 있습니다."),
        mid=_("상점아이디 (MID)"),
        keys={
            "sign_key": _("웹결제 signkey"),
            "iniapi_key": "INIAPI key",
            "iniapi_iv": "INIAPI IV",
            "hash_key": _("모바일 hashkey"),
        },
        where=_(
            "이니시스 가맹점 관리자에서 이 MID의 부가정보를 열어 네 값을 복사합니다. signkey, INIAPI key와 IV, "
            "모바일 hashkey는 서로 다른 값입니다."
        ),
        webhook=_("이니시스 가맹점 관리자에서 가상계좌 입금통보 URL로 등록합니다."),
    ),
    GatewayCode.TOSSPAYMENTS: Console(
        summary=_("국내 카드, 계좌이체, 가상계좌, 간편결제."),
        mid=_("상점아이디 (MID)"),
        keys={"client_key": _("클라이언트 키"), "secret_key": _("시크릿 키")},
        where=_(
            "토스페이먼츠 개발자센터 > API 키에서 복사합니다. 두 키는 한 쌍이어야 합니다: 테스트끼리 또는 라이브끼리, "
            "결제위젯 키끼리 또는 API 개별 연동 키끼리."
        ),
        webhook=_("토스페이먼츠 개발자센터 > 웹훅에 등록하고 아래 이벤트를 고릅니다."),
        events=("PAYMENT_STATUS_CHANGED",),
    ),
    GatewayCode.BOOTPAY: Console(
        summary=_("여러 PG사를 묶는 결제 연동. PG사 설정은 부트페이 관리자에 있습니다."),
        mid=_("상점아이디 (MID)"),
        keys={
            "client_key": "Client Key",
            "secret_key": "Secret Key",
            "application_id": "REST Application ID",
            "private_key": "Private Key",
        },
        where=_(
            "부트페이 관리자 > 개발자 설정 > API 연동키에서 복사합니다. Client Key와 Secret Key 한 쌍, 또는 이전 "
            "방식인 REST Application ID와 Private Key 한 쌍만 있으면 됩니다."
        ),
        webhook=_("부트페이 관리자 > 개발자 설정 > 웹훅 설정에 등록합니다."),
    ),
    GatewayCode.PORTONE_V1: Console(
        summary=_("이전 방식의 포트원(아임포트) 연동."),
        mid=_("PG 상점아이디 (MID)"),
        keys={
            "imp_code": _("고객사 식별코드"),
            "rest_key": "REST API Key",
            "rest_secret": "REST API Secret",
            "channel_key": _("채널 키"),
        },
        where=_(
            "포트원 관리자콘솔 > 결제 연동 > 연동 관리 > 식별코드·API Keys에서 세 값을, "
            "채널 관리에서 채널 키를 복사합니다."
        ),
        webhook=_("포트원 관리자콘솔 > 결제 연동 > 연동 관리 > 결제알림(Webhook) 관리의 V1 Endpoint URL에 등록합니다."),
    ),
    GatewayCode.PORTONE_V2: Console(
        summary=_("새 방식의 포트원 연동. PG사는 채널마다 다릅니다."),
        mid=_("PG 상점아이디 (MID)"),
        keys={
            "store_id": "Store ID",
            "channel_key": _("채널 키"),
            "api_secret": "API Secret",
            "webhook_secret": _("웹훅 시크릿"),
            "webhook_secret_old": _("웹훅 시크릿 (교체 전)"),
        },
        where=_(
            "포트원 관리자콘솔 > 결제 연동 > 연동 관리에서 복사합니다. API Secret은 만들 때 한 번만 보이고 만료일이 "
            "있으니 아래에 만료일도 적어 두세요."
        ),
        webhook=_("포트원 관리자콘솔 > 결제 연동 > 연동 관리 > 결제알림(Webhook) 관리의 V2 Endpoint URL에 등록합니다."),
    ),
}
