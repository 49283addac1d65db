"""What staff type to log in."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES

_CODE = {
    "autocomplete": "one-time-code",
    "autofocus": "",
    "inputmode": "text",
    "spellcheck": "false",
    "class": " ".join(BASE_INPUT_CLASSES),
}


class PasswordForm(AuthenticationForm):
    """Name and password. A name that nobody can have is not looked at: the table of failures has no room for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].validators.append(MaxLengthValidator(User._meta.get_field("username").max_length))


class CodeForm(forms.Form):
    """A code of the app, or a recovery code."""

    code = forms.CharField(label=_("인증 코드"), max_length=32, widget=forms.TextInput(attrs=_CODE))


class AppCodeForm(forms.Form):
    """The first code of an app."""

    code = forms.CharField(
        label=_("앱에 보이는 6자리 코드"),
        max_length=8,
        widget=forms.TextInput(attrs={**_CODE, "inputmode": "numeric"}),
    )
