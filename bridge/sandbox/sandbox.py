"""The sandbox: one server on loopback that plays Stripe and the shop, and the controls of both."""

import logging
from types import TracebackType
from typing import Self

from bridge.sandbox import control
from bridge.sandbox.control import Control
from bridge.sandbox.faults import Faults
from bridge.sandbox.recorder import Exchange, Recorder
from bridge.sandbox.schedule import Schedule
from bridge.sandbox.server import HOST, Server
from bridge.sandbox.shop import Shop
from bridge.sandbox.shop_front import ShopFront
from bridge.sandbox.stripe import Stripe, page
from bridge.sandbox.stripe.page import PayPage
from bridge.sandbox.wire import BadRequest, Request, Response, json_response, see_other

logger = logging.getLogger(__name__)


class Sandbox:
    """All stand-ins on one port (0 takes a free one).

    `seed` decides what is random in faults; `clock` speeds webhook retries up (60: an hour is a minute).
    `recorder` is called with each exchange with Stripe; `schedule` sends webhooks when they are due.
    Raises OSError if the port is taken.
    """

    def __init__(self, port: int = 0, seed: int = 1, clock: float = 1.0, schedule: Schedule | None = None) -> None:
        self.recorder: Recorder | None = None
        self.faults = Faults(seed)
        self._schedule = schedule or Schedule()
        self._server = Server(port, self._handle)
        self.url = f"http://{HOST}:{self._server.port}"
        self.stripe = Stripe(self.url, self.faults, self._schedule, clock, self._record)
        self.shop = Shop(self.faults)
        self._pay_page = PayPage(self.stripe, self.faults)
        self._front = ShopFront(self.shop, self.url)
        self._control = Control(self.stripe, self.shop, self.faults, self.reset)

    def start(self) -> Self:
        self._schedule.start()
        self._server.start()
        return self

    def stop(self) -> None:
        """Ends every connection; webhooks that are not due yet are forgotten."""
        self._schedule.stop()
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def reset(self) -> None:
        """Empties books and faults; accounts stay."""
        self._schedule.clear()
        self.stripe.reset()
        self.shop.reset()
        self.faults.reset()

    def refuse(self) -> bool:
        """Refuses connections until resume(), and cuts those that exist. False: it did so already."""
        return self._server.refuse()

    def resume(self) -> None:
        """Takes connections again."""
        self._server.resume()

    def settle(self, timeout: float = 10.0) -> None:
        """Waits until no webhook is due or under way. Raises TimeoutError."""
        self._schedule.settle(timeout)

    def _record(self, exchange: Exchange) -> None:
        if self.recorder is not None:
            self.recorder(exchange)

    def _handle(self, request: Request) -> Response:
        try:
            return self._route(request)
        except BadRequest as error:
            return json_response({"error": str(error)}, 400)
        except Exception:
            logger.exception("sandbox: %s %s", request.method, request.path)
            return json_response({"error": {"type": "api_error", "message": "the sandbox failed"}}, 500)

    def _route(self, request: Request) -> Response:
        path = request.path
        if path.startswith("/v1/"):
            return self.stripe.handle(request)
        if path == "/shop/complete":
            return self.shop.complete(request)
        if path.startswith(page.PREFIX):
            return self._pay_page.handle(request)
        if path.startswith(control.PREFIX):
            return self._control.handle(request)
        if path in ("/", "/shop"):
            return see_other("/shop/")
        return self._front.handle(request)
