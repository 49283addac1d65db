"""직원: what a superuser fills in of a person."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserCreationForm

_LABELS = {
    "username": _("아이디"),
    "first_name": _("이름"),
    "email": _("이메일"),
    "groups": _("역할"),
    "is_active": _("사용"),
    "is_superuser": _("최고관리자"),
}
_HELP = {
    "groups": _("맡은 일에 맞는 역할만 고릅니다. 여러 개를 고를 수 있습니다."),
    "is_active": _("그만둔 사람은 지우지 않고 사용을 끕니다. 바로 로그아웃되고, 이력의 이름은 남습니다."),
    "is_superuser": _("모든 일을 할 수 있고 상점과 직원을 관리합니다."),
}


class _StaffWords(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Labels in the words of the back office."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = _LABELS.get(name, field.label)
            field.help_text = _HELP.get(name, field.help_text)
        if "groups" in self.fields:
            roles: Any = self.fields["groups"]
            roles.queryset = Group.objects.order_by("pk")
            roles.widget.can_add_related = roles.widget.can_change_related = roles.widget.can_view_related = False


class NewStaffForm(_StaffWords, UserCreationForm):
    """A person who is to come."""


class StaffForm(_StaffWords):
    """A person who is there."""

    class Meta:
        model = User
        fields = ("username", "first_name", "email", "is_active", "groups", "is_superuser")

    def clean(self) -> dict[str, Any]:
        """Refuse to leave the back office without anybody who manages it."""
        given = super().clean() or {}
        stays = given.get("is_active", True) and given.get("is_superuser", True)
        if not stays and _is_last_superuser(self.instance):
            raise ValidationError(
                _("마지막 최고관리자입니다. 먼저 다른 사람을 최고관리자로 만드세요."), code="last_superuser"
            )
        return given


def _is_last_superuser(user: User) -> bool:
    """Two who take it from each other at the same time: one waits here, and then is the last."""
    there = User.objects.select_for_update().filter(is_superuser=True, is_active=True, is_staff=True)
    return set(there.values_list("pk", flat=True)) == {user.pk}
