"""How a call to a gateway, or a shop, may fail: surely nothing done, refused, or never to be guessed."""


class GatewayError(Exception):
    """A call that brought no result. ``code`` and ``message`` are the gateway's own words, safe to log."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message


class NotSent(GatewayError):
    """It failed before the first request byte, or the gateway would not look at it: surely nothing happened."""


class Refused(GatewayError):
    """The gateway said no: it has not done what was asked."""


class Denied(Refused):
    """The keys were refused: this try did nothing, and says nothing about an earlier try of the same call."""


class Unknown(GatewayError):
    """It was sent, or may have been, and no clear answer came: never to be guessed."""


class Replayed(Unknown):
    """The gateway only repeats what it answered to an earlier try: under this key it will do nothing more."""


class BadNotice(Exception):
    """A notification that is not signed by the gateway, or is no notification at all."""
