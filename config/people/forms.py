"""What staff type to log in."""

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import BASE_INPUT_CLASSES

_CODE = {
    "autocomplete": "one-time-code",
    "autofocus": "",
    "inputmode": "text",
    "spellcheck": "false",
    "class": " ".join(BASE_INPUT_CLASSES),
}


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
