"""The roles of the back office: groups that every `migrate` makes to be as they stand here.

최고관리자, a superuser, does all of it, and is the only one who manages shops, roles and staff.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps as installed
from django.contrib.auth.models import Group, Permission
from django.utils.translation import gettext_lazy as _

# "app.view" is the right to view every table of the app, those to come included.
_LOOK = ("merchants.view", "installments.view", "payments.view")


@dataclass(frozen=True, slots=True)
class Role:
    """A role, what it is for, and what it permits."""

    says: Any
    permissions: tuple[str, ...]


ROLES = {
    "조회": Role(_("결제와 설정을 봅니다. 개인정보는 가려집니다."), _LOOK),
    "운영": Role(
        _("결제를 다시 조회하고, 취소하고, 상점에 재통보합니다. 사유를 적고 개인정보를 보거나 내려받습니다."),
        (
            *_LOOK,
            "payments.change_paymentsession",
            "payments.cancel_paymentsession",
            "payments.export_cancellation",
            "payments.change_delivery",
            "payments.change_attention",
            "payments.change_difference",
            "payments.export_difference",
            "payments.export_paymentsession",
            "payments.view_personal_data",
        ),
    ),
    "승인": Role(
        _("운영이 요청한 한도 넘는 취소와 정상 인정을 승인하거나 반려합니다."), (*_LOOK, "payments.decide_approval")
    ),
    "설정": Role(
        _("가맹점(MID), 카드사 심사, 결제수단 연결, 무이자할부 안내를 관리합니다."),
        (
            *_LOOK,
            "merchants.add_merchant",
            "merchants.change_merchant",
            "merchants.delete_merchant",
            "merchants.add_issuerreview",
            "merchants.change_issuerreview",
            "merchants.delete_issuerreview",
            "merchants.add_methodconnection",
            "merchants.change_methodconnection",
            "merchants.delete_methodconnection",
            "merchants.change_paymentmethod",
            "merchants.change_cardissuer",
            "installments.add_interestfreenotice",
            "installments.change_interestfreenotice",
            "installments.delete_interestfreenotice",
            "installments.export_interestfreenotice",
        ),
    ),
    "감사": Role(_("모든 화면과 변경 이력을 봅니다. 아무것도 바꾸지 않습니다."), (*_LOOK, "auth.view", "people.view")),
}


def set_up_roles(apps: Any = installed, **_more: Any) -> None:  # a flush names no apps
    """Make the groups permit what the table says, after every migrate; other groups stay as they are."""
    try:
        apps.get_model("auth", "Group")
    except LookupError:
        return  # migrated back to before there were any
    Group.objects.bulk_create((Group(name=name) for name in ROLES), ignore_conflicts=True)
    groups = Group.objects.in_bulk(ROLES, field_name="name")
    permissions = list(Permission.objects.select_related("content_type"))
    wanted = {(groups[name].pk, pk) for name, role in ROLES.items() for pk in _matching(role, permissions)}
    pairs = Group.permissions.through.objects
    there = set(pairs.filter(group__in=groups.values()).values_list("group_id", "permission_id"))
    for group, permission in there - wanted:
        pairs.filter(group=group, permission=permission).delete()
    pairs.bulk_create(Group.permissions.through(group_id=one, permission_id=two) for one, two in wanted - there)


def _matching(role: Role, permissions: list[Permission]) -> Iterator[int]:
    for permission in permissions:
        app, model = permission.content_type.app_label, permission.content_type.model
        views = permission.codename == f"view_{model}" and f"{app}.view" in role.permissions
        if views or f"{app}.{permission.codename}" in role.permissions:
            yield permission.pk
