"""The form of a contract: one per gateway, with an input for each of its keys. Keys go in and never come out."""

from functools import cache
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from merchants.codes import Mode
from merchants.consoles import CONSOLES
from merchants.forms import SecretInput, readable
from merchants.key_rules import key_problems, mid_problem
from merchants.models import Merchant
from merchants.rules import CREDENTIALS, missing_credentials


class MerchantForm(forms.ModelForm):
    """What every gateway's form has. ``key_NAME`` takes a key, ``drop_NAME`` takes one away."""

    gateway: ClassVar[str]

    class Meta:
        model = Merchant
        fields = (
            "code",
            "mid",
            "mode",
            "currency",
            "purpose",
            "is_active",
            "credentials_expire_on",
            "starts_at",
            "ends_at",
            "note",
        )
        widgets: ClassVar[dict[str, Any]] = {"note": UnfoldAdminTextareaWidget(attrs={"rows": 3})}
        help_texts: ClassVar[dict[str, Any]] = {
            "code": _(
                "PGB 안에서 이 계약을 부르는 이름입니다. 목록과 결제내역, 설정 파일에 보입니다. 영문, 숫자, '-', '_'. "
                "예: inicis-kr-main"
            ),
            "mode": _("실거래는 구매자의 돈이 실제로 움직입니다."),
            "currency": _("이 계약으로 결제받는 통화. 예: KRW"),
            "purpose": _("주문 결제에는 '일반결제'만 쓰입니다."),
            "is_active": _("끄면 새 결제를 시작하지 않습니다. 이미 시작한 결제의 확인과 취소는 계속됩니다."),
            "starts_at": _("한국 시간(KST). 비우면 제한이 없습니다."),
            "ends_at": _("한국 시간(KST). 이 시각부터 새 결제를 시작하지 않습니다."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.gateway = self.gateway
        self._credentials: dict[str, str] | None = None
        self._stored_mode = self.instance.mode
        if "mid" in self.fields:
            self.fields["mid"].label = CONSOLES[self.gateway].mid
        for name in CONSOLES[self.gateway].keys:
            self._tell_of_the_stored(name)

    def _tell_of_the_stored(self, name: str) -> None:
        """Show the end of a stored key beside its input, and offer to drop it where it is not needed."""
        hint = self.instance.credential_hints.get(name, "")
        field = self.fields[f"key_{name}"]
        field.required = self.instance._state.adding and name in _always_needed(self.gateway)
        if hint:
            field.help_text = _("등록됨: %(hint)s · 바꿀 때만 입력하세요.") % {"hint": hint}
        if f"drop_{name}" in self.fields and not hint:
            del self.fields[f"drop_{name}"]

    def _get_validation_exclusions(self) -> set[str]:
        # No input, but part of what must be unique.
        return super()._get_validation_exclusions() - {"gateway"}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        self._check_mid(given)
        try:
            self._credentials = self._wanted(given)
        except ValidationError as error:
            self.add_error(None, error)
        return given

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.errors:
            self._tell_of_the_emptied()

    def _tell_of_the_emptied(self) -> None:
        """Say beside each key that was right that it must be entered again: the page comes back without it."""
        for name in CONSOLES[self.gateway].keys:
            if self.cleaned_data.get(f"key_{name}"):
                self.fields[f"key_{name}"].help_text = _("저장되지 않았습니다. 이 값을 다시 입력하세요.")

    def _check_mid(self, given: dict[str, Any]) -> None:
        problem = mid_problem(self.gateway, given.get("mode", ""), given["mid"]) if given.get("mid") else ""
        if problem:
            self.add_error("mid", ValidationError(problem, code="mid"))

    def _wanted(self, given: dict[str, Any]) -> dict[str, str] | None:
        """Return the keys after this form; None: they stay. Raises ValidationError by the names of the inputs."""
        names = CONSOLES[self.gateway].keys
        entered = {name: given[f"key_{name}"] for name in names if given.get(f"key_{name}")}
        dropped = {name for name in names if given.get(f"drop_{name}")}
        stored = {} if self.instance._state.adding else readable(self.instance, "credentials") or {}
        mode = given.get("mode", self._stored_mode)
        if (
            not entered
            and not dropped
            and (mode == self._stored_mode or not stored)
            and not self.instance._state.adding
        ):
            return None
        wanted = {name: key for name, key in stored.items() if name not in dropped} | entered
        problems = self._missing(wanted) | key_problems(self.gateway, mode or Mode.TEST, wanted)
        fresh = {name: problem for name, problem in problems.items() if f"key_{name}" not in self.errors}
        if fresh:
            raise ValidationError({f"key_{name}": problem for name, problem in fresh.items()})
        return wanted

    def _missing(self, wanted: dict[str, str]) -> dict[str, Any]:
        return dict.fromkeys(missing_credentials(self.gateway, set(wanted)), _("이 PG사에 필요한 값입니다."))

    def save(self, commit: bool = True) -> Merchant:
        if self._credentials is not None:
            self.instance.credentials = self._credentials
        return super().save(commit)


@cache
def form_of(gateway: str) -> type[MerchantForm]:
    """Return the form of contracts with this gateway."""
    needed = _always_needed(gateway)
    inputs: dict[str, Any] = {"gateway": gateway}
    for name, label in CONSOLES[gateway].keys.items():
        inputs[f"key_{name}"] = forms.CharField(label=label, required=False, max_length=4000, widget=SecretInput)
        if name not in needed:
            inputs[f"drop_{name}"] = forms.BooleanField(
                label=format_lazy(_("{key} 지우기"), key=label), required=False, widget=UnfoldBooleanWidget
            )
    return type("MerchantForm", (MerchantForm,), inputs)


def key_inputs(gateway: str, stored: dict[str, str]) -> list[str]:
    """Return the names of the form's inputs for keys; those to drop one only where it is stored."""
    needed = _always_needed(gateway)
    found = []
    for name in CONSOLES[gateway].keys:
        found.append(f"key_{name}")
        if name not in needed and stored.get(name):
            found.append(f"drop_{name}")
    return found


def _always_needed(gateway: str) -> set[str]:
    """Return the keys that every way of using this gateway needs."""
    return set.intersection(*CREDENTIALS[gateway])
