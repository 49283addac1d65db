"""Forms of the back office. Secrets go in and never come out: no field has an initial value."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from merchants.crypto import CannotOpen
from merchants.models import Merchant, Shop
from merchants.rules import (
    CREDENTIALS,
    OPTIONAL_CREDENTIALS,
    check_api_key,
    check_credentials,
    check_nation,
    check_redirect_host,
    check_signing_secret,
)


class WriteOnlyTextarea(UnfoldAdminTextareaWidget):
    """A textarea that never shows a value, not even the one just sent."""

    def format_value(self, value: Any) -> None:
        return None


class SecretInput(UnfoldAdminPasswordWidget):
    """A secret's input: never shown again, never remembered by the browser."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password"}, render_value=False)


class ShopForm(forms.ModelForm):
    new_api_key = forms.CharField(
        label=_("새 API 키"),
        required=False,
        widget=SecretInput,
        validators=[check_api_key],
        help_text=_("입력하면 지금 키는 이전 키가 되어 함께 쓸 수 있습니다. 공백 없이 32자 이상."),
    )
    drop_old_api_key = forms.BooleanField(label=_("이전 API 키 폐기"), required=False, widget=UnfoldBooleanWidget)
    new_signing_secret = forms.CharField(
        label=_("새 서명 비밀값"),
        required=False,
        widget=SecretInput,
        validators=[check_signing_secret],
        help_text=_("입력하면 지금 값은 이전 값이 되어 함께 쓸 수 있습니다. 'whsec_' + base64(24~64바이트)."),
    )
    drop_old_signing_secret = forms.BooleanField(
        label=_("이전 서명 비밀값 폐기"), required=False, widget=UnfoldBooleanWidget
    )

    class Meta:
        model = Shop
        fields = (
            "db_type",
            "joiner_id",
            "name",
            "nations",
            "currency",
            "completion_url",
            "redirect_hosts",
            "is_active",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_signing_secret"].required = self.instance._state.adding
        checks = {"nations": check_nation, "redirect_hosts": check_redirect_host}
        for name in checks.keys() & self.fields.keys():  # who may only look gets no fields
            # Checked by the form itself: what the model says of one item never reaches the page.
            self.fields[name].base_field.validators.append(checks[name])
            self.fields[name].error_messages["item_invalid"] = _("%(nth)s번째 값:")

    def save(self, commit: bool = True) -> Shop:
        shop, given = self.instance, self.cleaned_data
        if given["new_api_key"]:
            shop.set_api_key(given["new_api_key"], keep_old=True)
        if given["drop_old_api_key"]:
            shop.api_key_old_hash = ""
        if given["new_signing_secret"]:
            shop.signing_secret_old = None if shop._state.adding else _readable(shop, "signing_secret")
            shop.signing_secret = given["new_signing_secret"]
        if given["drop_old_signing_secret"]:
            shop.signing_secret_old = None
        return super().save(commit)


class MerchantForm(forms.ModelForm):
    new_credentials = forms.CharField(
        label=_("인증 정보 입력"),
        required=False,
        widget=WriteOnlyTextarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
    )

    class Meta:
        model = Merchant
        fields = ("code", "gateway", "mid", "mode", "currency", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["new_credentials"]
        field.required = self.instance._state.adding
        field.help_text = _credentials_help(self.instance.gateway)
        self._stored_gateway = self.instance.gateway
        self._credentials: dict[str, str] | None = None

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        gateway = given.get("gateway", self._stored_gateway)
        if gateway and "new_credentials" in given:
            try:
                self._credentials = self._wanted(gateway, given["new_credentials"])
            except ValidationError as error:
                self.add_error("new_credentials", error)
        return given

    def _wanted(self, gateway: str, text: str) -> dict[str, str] | None:
        """The keys after this form; None: they stay. Given names replace, null removes, others stay."""
        same_gateway = gateway == self._stored_gateway and not self.instance._state.adding
        if not text and same_gateway:
            return None
        kept = (_readable(self.instance, "credentials") or {}) if same_gateway else {}
        wanted = {name: value for name, value in {**kept, **_names_and_values(text)}.items() if value is not None}
        check_credentials(gateway, wanted)
        return wanted

    def save(self, commit: bool = True) -> Merchant:
        if self._credentials is not None:
            self.instance.credentials = self._credentials
        return super().save(commit)


def _readable(row: Shop | Merchant, attribute: str) -> Any:
    """A stored secret, or None if its key is lost: it can then only be written anew."""
    try:
        return getattr(row, attribute)
    except CannotOpen:
        return None


def _names_and_values(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ValidationError(_('JSON으로 적어 주세요. 예: {"secret_key": "..."}'), code="credentials")
    return found


def _credentials_help(gateway: str) -> str:
    shown = [gateway] if gateway else list(CREDENTIALS)
    ways = [
        f"{code}: "
        + " / ".join(", ".join(sorted(names)) for names in CREDENTIALS[code])
        + "".join(f" (+ {name})" for name in sorted(OPTIONAL_CREDENTIALS.get(code, ())))
        for code in shown
    ]
    return " · ".join([str(_("JSON. 적은 이름만 바뀌고 null은 지웁니다. 저장된 값은 다시 보이지 않습니다.")), *ways])
