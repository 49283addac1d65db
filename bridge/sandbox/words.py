"""The few words on the sandbox's pages, in three languages."""

from bridge.sandbox.wire import Headers

LANGUAGES = ("ko", "ja", "en")
_TABLE = {
    "pay": ("결제하기", "支払う", "Pay"),
    "later": ("나중에 입금 (편의점)", "あとで支払う（コンビニ）", "Pay later (convenience store)"),
    "decline": ("카드 거절", "カード拒否", "Card is declined"),
    "cancel": ("취소하고 돌아가기", "キャンセルして戻る", "Cancel and go back"),
    "close": ("응답 없이 닫기", "何もせず閉じる", "Close without an answer"),
    "arrived": ("입금됨", "入金された", "The deposit arrives"),
    "failed": ("입금 안 됨", "入金されない", "The deposit never comes"),
    "order": ("주문 내용", "ご注文", "Order"),
    "reference": ("주문번호", "注文番号", "Reference"),
    "test": (
        "테스트 결제 — 실제로 청구되지 않습니다",
        "テスト決済 — 請求されません",
        "Test payment — no money moves",
    ),
    "declined": (
        "카드가 거절되었습니다. 다시 시도할 수 있습니다.",
        "カードが拒否されました。もう一度お試しください。",
        "The card was declined. You can try again.",
    ),
    "closed": ("이 창을 닫아도 됩니다.", "この画面を閉じてください。", "You may close this window."),
    "complete": ("결제가 끝났습니다.", "お支払いが完了しました。", "This payment is complete."),
    "expired": ("결제 시간이 지났습니다.", "有効期限が切れました。", "This payment page has expired."),
    "waiting": ("입금을 기다리고 있습니다.", "入金待ちです。", "Waiting for the deposit."),
    "unknown": ("없는 결제입니다.", "見つかりません。", "There is no such payment."),
    "new_order": ("새 주문", "新しい注文", "New order"),
    "shop": ("데모 상점", "デモショップ", "Demo shop"),
    "amount": ("금액", "金額", "Amount"),
    "description": ("상품명", "商品名", "Description"),
    "method": ("결제수단", "支払い方法", "Payment method"),
    "start": ("주문하고 결제하기", "注文して支払う", "Order and pay"),
    "thanks": ("주문해 주셔서 감사합니다", "ご注文ありがとうございます", "Thank you for your order"),
    "not_told": (
        "상점은 아직 결제 통보를 받지 못했습니다.",
        "ショップはまだ通知を受け取っていません。",
        "The shop has not been told yet.",
    ),
    "returned": ("돌아올 때 받은 값", "戻り値", "What the return said"),
    "books": ("상점의 장부", "ショップの帳簿", "The shop's books"),
    "signature_good": ("서명 확인됨", "署名は有効", "Signature is good"),
    "signature_bad": ("서명이 맞지 않음", "署名が無効", "Signature is wrong"),
    "orders": ("주문 목록", "注文一覧", "Orders"),
    "order_sheet": ("주문서와 무이자할부 팝업", "注文画面と無利子分割払いのご案内", "Order page with the popup"),
    "notices": ("무이자할부 안내", "無利子分割払いのご案内", "Interest-free instalments"),
    "problem": ("결제를 시작하지 못했습니다", "支払いを開始できません", "The payment could not be started"),
}


def words(language: str) -> dict[str, str]:
    """Every word in one language."""
    place = LANGUAGES.index(language)
    return {name: texts[place] for name, texts in _TABLE.items()}


def locale_of(asked: str | None, headers: Headers) -> str:
    """The page's language: what the session asks for, else the browser's first that we have."""
    accepted = headers.get("Accept-Language", "").replace(" ", "").split(",")
    for one in (asked or "", *accepted):
        if one[:2].lower() in LANGUAGES:
            return one[:2].lower()
    return "ko" if asked in (None, "auto") else "en"
