"""The second factor of a login: a code of an authenticator app (TOTP), or one of a few recovery codes."""

from base64 import b32encode
from datetime import datetime

import qrcode
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.safestring import SafeString, mark_safe
from django_otp import verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from qrcode.image.svg import SvgPathFillImage

RECOVERY_CODES = 10
_APP_DIGITS = 6


def app_of(user: User) -> TOTPDevice | None:
    """Return the person's authenticator app, if one is set up."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def app_to_set_up(user: User, begun: int | None) -> TOTPDevice:
    """Return what the person's app is to be set up with; ``begun``: the row that this login began with, if it did.

    Each login has a key of its own: who knew the password before the person set up an app must not know its key.
    """
    found: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=False, pk=begun).first()
    return found or TOTPDevice.objects.create(user=user, name="app", confirmed=False)


def matching(user: User, app: TOTPDevice, code: str) -> Device | None:
    """Return the device that a code belongs to, None if it is wrong. A code works once; failures slow the next try."""
    code = "".join(code.split()).replace("-", "").lower()
    if code.isdecimal() and len(code) == _APP_DIGITS:
        return verify_token(user, app.persistent_id, code)
    recovery = StaticDevice.objects.filter(user=user).first()
    return verify_token(user, recovery.persistent_id, code) if recovery else None


def seconds_to_wait(app: TOTPDevice, now: datetime) -> int:
    """Return how long no code is looked at, after wrong ones; 0: the next one is."""
    allowed, why = app.verify_is_allowed()
    return 0 if allowed else max(1, int((why["locked_until"] - now).total_seconds() + 0.999))


def confirm(app: TOTPDevice) -> list[str]:
    """Make the app the person's second factor; return fresh recovery codes, which nobody can read again."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=app.user).exclude(pk=app.pk).delete()
        TOTPDevice.objects.filter(pk=app.pk).update(confirmed=True)
        StaticDevice.objects.filter(user=app.user).delete()
        recovery = StaticDevice.objects.create(user=app.user, name="recovery")
        codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
        StaticToken.objects.bulk_create(StaticToken(device=recovery, token=code) for code in codes)
    return [f"{code[:4]}-{code[4:]}" for code in codes]


def recovery_codes_left(user: User) -> int:
    """Return how many recovery codes the person has not used."""
    return StaticToken.objects.filter(device__user=user).count()


def reset(user: User) -> None:
    """Take the person's second factor away: the next login sets up another. Ends what is logged in with it."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()


def forget_failures(user: User) -> None:
    """Let the person's next code be looked at without a pause."""
    for devices in (TOTPDevice, StaticDevice):
        devices.objects.filter(user=user).update(throttling_failure_timestamp=None, throttling_failure_count=0)


def qr_code(app: TOTPDevice) -> SafeString:
    """Return the picture that an authenticator app reads, as SVG to stand in a page."""
    picture = qrcode.make(app.config_url, image_factory=SvgPathFillImage, border=2)
    return mark_safe(picture.to_string(encoding="unicode"))  # made of squares only


def key_to_type(app: TOTPDevice) -> str:
    """Return the key for who cannot read the picture, in groups of four."""
    key = b32encode(app.bin_key).decode().rstrip("=")
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))
