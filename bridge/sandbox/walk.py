"""One demo order on its real path, over HTTP: the shop starts it, a buyer pays it, PGB tells the shop."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from bridge.gateways.errors import GatewayError
from bridge.gateways.http import Answer, Door
from bridge.sandbox.shop_front import BUYERS

PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.05


class WalkFailed(Exception):
    """A step did not come to its end; the message says which and what was seen."""


@dataclass(frozen=True, slots=True)
class DemoOrder:
    """What is bought, by an invented buyer: ``buttons`` are pressed one after the other on the gateway's page."""

    title: str
    shop: dict[str, Any]
    buyer: dict[str, str]
    method: str
    price: str
    description: str
    buttons: tuple[str, ...]


CARD = DemoOrder(
    title="card, 64,900 KRW",
    shop={"DBType": "KR1", "JoinerId": 1001, "NationCode": "KR"},
    buyer=BUYERS["KR"],
    method="CARD",
    price="64900",
    description="명함 200매",
    buttons=("pay",),
)
KONBINI = DemoOrder(
    title="konbini, 3,300 JPY, paid later",
    shop={"DBType": "JP1", "JoinerId": 2001, "NationCode": "JP"},
    buyer=BUYERS["JP"],
    method="KONBINI",
    price="3300",
    description="名刺 100枚",
    buttons=("later", "arrived"),
)


class Walk:
    """Walks orders through PGB at ``web`` and the sandbox at ``sandbox``; ``say`` gets a line for every step."""

    def __init__(self, web: str, sandbox: str, api_key: str, say: Callable[[str], None]) -> None:
        self._web = web
        self._sandbox = sandbox
        self._api_key = api_key
        self._say = say
        self._door = Door()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Name a step and say how long it took."""
        begun = time.monotonic()
        yield
        self._say(f"  {time.monotonic() - begun:6.2f} s  {what}")

    def wait_until_up(self, running: Callable[[], bool]) -> None:
        """Return when PGB and the sandbox answer. Raises WalkFailed, at once when ``running`` says false."""

        def answers(url: str) -> bool:
            if not running():
                raise WalkFailed("PGB ended while it was starting")
            return self._is_up(url)

        for url in (f"{self._web}/PGBReturn/Return/none", f"{self._sandbox}/shop/"):
            self._until(partial(answers, url), f"{url} does not answer")

    def order(self, order: DemoOrder, order_id: int) -> None:
        """Walk one order from PayStart to the shop's books. Raises WalkFailed."""
        keys = {**order.shop, "OrderId": order_id}
        with self.step("shop: PayStart"):
            started = self._start(order, keys)
        with self.step(f"buyer: {', then '.join(order.buttons)} on the gateway's page, and back to the shop"):
            for button in order.buttons:
                self._press(started["RedirectUrl"], button)
        with self.step("PGB: signed webhook stored, payment asked back and verified"):
            self._until(lambda: self._status(keys)["Stage"] == "PAID", "the payment was not verified")
        with self.step("shop: told of PayComplete"):
            self._until(lambda: self._told(keys), "the shop was not told")

    def _start(self, order: DemoOrder, keys: dict[str, Any]) -> dict[str, Any]:
        started = self._ask_pgb(
            "PayStart",
            {
                **keys,
                **order.buyer,
                "PayType": order.method,
                "TotalPrice": order.price,
                "OrderDescription": order.description,
                "RedirectUrl": f"{self._sandbox}/shop/thanks?{urlencode({'DBType': keys['DBType']})}",
            },
        )
        if not started["IsSuccess"]:
            raise WalkFailed(f"PayStart: {started['ErrorCode']} {started['ErrorMessage']}")
        return started

    def _status(self, keys: dict[str, Any]) -> dict[str, Any]:
        return self._ask_pgb("PayStatus", {name: keys[name] for name in ("DBType", "OrderId", "JoinerId")})

    def _ask_pgb(self, call: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._api_key}", "Content-Type": "application/json"}
        answer = self._send("POST", f"{self._web}/PGB/{call}", json.dumps(body), headers)
        return _json(answer)

    def _press(self, page: str, button: str) -> None:
        """Press a button as a browser does, and follow where it leads."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._send("POST", page, urlencode({"do": button}), headers)
        while answer.status == 303:
            answer = self._send("GET", answer.headers["Location"], None, {})
        if answer.status != 200:
            raise WalkFailed(f"the button {button!r} led to HTTP {answer.status}")

    def _told(self, keys: dict[str, Any]) -> bool:
        answer = self._send("GET", f"{self._sandbox}/control/books", None, {})
        order = f"{keys['DBType']}/{keys['OrderId']}/0"
        told = _json(answer)["shop"]["orders"].get(order, {})
        return bool(told.get("completions") == 1)

    def _is_up(self, url: str) -> bool:
        try:
            return self._door.exchange("GET", url, headers={}, body=None, seconds=5).status < 500
        except GatewayError:
            return False

    def _send(self, method: str, url: str, body: str | None, headers: dict[str, str]) -> Answer:
        try:
            data = body.encode() if body is not None else None
            return self._door.exchange(method, url, headers=headers, body=data, seconds=PATIENCE_SECONDS)
        except GatewayError as error:
            raise WalkFailed(f"{method} {url}: {error}") from error

    def _until(self, reached: Callable[[], bool], otherwise: str) -> None:
        ends = time.monotonic() + PATIENCE_SECONDS
        while not reached():
            if time.monotonic() > ends:
                raise WalkFailed(f"{otherwise} within {PATIENCE_SECONDS:.0f} s")
            time.sleep(PAUSE_SECONDS)


def _json(answer: Answer) -> dict[str, Any]:
    if answer.status != 200:
        raise WalkFailed(f"HTTP {answer.status}: {answer.body[:200]!r}")
    found: dict[str, Any] = json.loads(answer.body)
    return found
