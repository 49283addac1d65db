"""Notices as order pages get them."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from installments.lookup import IssuerNotices
from installments.models import InterestFreeNotice


def listing(day: date, nation: str, amount: int | None, groups: Iterable[IssuerNotices]) -> dict[str, Any]:
    """Return what GET /api/v1/installments/interest-free answers, and the popup draws."""
    return {
        "date": day.isoformat(),
        "nation_code": nation,
        "amount": amount,
        "issuers": [_issuer(group) for group in groups],
    }


def _issuer(group: IssuerNotices) -> dict[str, Any]:
    issuer = group.issuer
    names = {"ko": issuer.name, "ja": issuer.name_ja or issuer.name, "en": issuer.name_en or issuer.name}
    return {"code": issuer.code, "names": names, "notices": [_notice(row) for row in group.notices]}


def _notice(row: InterestFreeNotice) -> dict[str, Any]:
    return {
        "months": row.months,
        "buyer_turns": row.buyer_turns,
        "bearer": row.bearer,
        "min_amount": row.min_amount,
        "max_amount": row.max_amount,
        "title": row.title,
        "target": row.target,
        "exceptions": row.exceptions,
        "starts_on": row.starts_on.isoformat(),
        "ends_on": row.ends_on.isoformat(),
    }
