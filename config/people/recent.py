"""Whether it is still the person who logged in: asked again before what needs more than an open browser."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import BASE_INPUT_CLASSES

from config.people import lockout, two_factor

WITHIN = timedelta(minutes=5)
_KEY = "proved_at"


class ProofForm(forms.Form):
    """A code of the person's app, or the password where no codes are asked for. ``prefix`` keeps its name apart."""

    prefix = "proof"
    secret = forms.CharField(max_length=128, strip=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        attrs = {"class": " ".join(BASE_INPUT_CLASSES), "autocomplete": "current-password"}
        field = self.fields["secret"]
        widget: type[forms.Widget] = forms.PasswordInput
        field.label, field.help_text = gettext_lazy("비밀번호"), gettext_lazy("본인인지 다시 확인합니다.")
        if settings.PGB_TWO_FACTOR:
            field.label, widget = gettext_lazy("인증 코드"), forms.TextInput
            attrs |= {"autocomplete": "one-time-code", "inputmode": "text", "spellcheck": "false"}
        field.widget = widget(attrs=attrs)


def remember(request: HttpRequest, **_more: Any) -> None:
    """Note that the person has just shown who they are; each login does it too."""
    request.session[_KEY] = timezone.now().timestamp()


def is_recent(request: HttpRequest) -> bool:
    """Whether the person has shown it within five minutes."""
    proved = float(request.session.get(_KEY, 0))
    return timezone.now().timestamp() - proved < WITHIN.total_seconds()


def form_for(request: HttpRequest) -> ProofForm | None:
    """Return what must be filled in first; None if it was lately."""
    if is_recent(request):
        return None
    given = request.POST if f"{ProofForm.prefix}-secret" in request.POST else None
    return ProofForm(given)


def is_proved(request: HttpRequest, form: ProofForm | None) -> bool:
    """Whether the person has shown who they are, lately or by this form; the form says what is wrong with it."""
    if form is None:
        return True
    user = request.user
    if not isinstance(user, User) or not form.is_valid():
        return False
    problem = _problem(request, user, form.cleaned_data["secret"])
    if problem:
        form.add_error("secret", problem)
        return False
    remember(request)
    return True


def _problem(request: HttpRequest, user: User, secret: str) -> str:
    if lockout.is_locked(request, user):
        return _("여러 번 틀려 잠겼습니다. 15분 뒤에 다시 하세요.")
    wrong = _wrong_code(user, secret) if settings.PGB_TWO_FACTOR else _wrong_password(user, secret)
    if wrong:
        lockout.count_failure(request, user)
    return wrong


def _wrong_password(user: User, password: str) -> str:
    return "" if user.check_password(password) else _("비밀번호가 맞지 않습니다.")


def _wrong_code(user: User, code: str) -> str:
    app = two_factor.app_of(user)
    known = app is not None and two_factor.matching(user, app, code) is not None
    return "" if known else _("코드가 맞지 않습니다. 앱에 지금 보이는 코드를 입력하세요.")
