"""The app on somebody's phone, for tests: shows the code of the present half minute, and later ones."""

import time
from base64 import b32decode

from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice


def code(key: str | bytes, steps: int = 0) -> str:
    """Return what the app shows, ``steps`` half minutes from now; a text is the key as people type it."""
    totp = TOTP(b32decode(key.replace(" ", "")) if isinstance(key, str) else key)
    totp.time = time.time() + 30 * steps
    return f"{totp.token():06}"


def app_of(user: object) -> TOTPDevice:
    """Give the person an app that is set up."""
    return TOTPDevice.objects.create(user=user, name="app", confirmed=True)
