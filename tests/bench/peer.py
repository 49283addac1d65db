"""Stripe and the shop as light as they can be, so that the machine's two cores are PGB's.

    python -m tests.bench.peer PORT

The answers are the sandbox's own, made once and filled in; /set changes how the gateway behaves, /books tells
what happened. One asyncio loop, no threads.
"""

import asyncio
import json
import math
import random
import sys
import time
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bridge.sandbox.sandbox import Sandbox
from bridge.sandbox.wire import Request
from tests.bench.wire import AMOUNT, gateway_id

Z99 = 2.3263478740408408  # the 99th percentile of the normal distribution
REFERENCE = "REFERENCE_OF_26_CHARACTERS"
SECRET_KEY = "sk_test_template"


def _templates() -> tuple[str, str]:
    """Return the answers to a create and to a retrieve of a paid session, as the sandbox's Stripe words them."""
    with Sandbox() as sandbox:
        account = {"secret_key": SECRET_KEY, "webhook_secret": "whsec_0", "webhook_url": sandbox.url, "subscribed": []}
        sandbox.stripe.add_account(**account)
        body = (
            f"mode=payment&client_reference_id={REFERENCE}&metadata[pgb_reference]={REFERENCE}"
            f"&payment_intent_data[metadata][pgb_reference]={REFERENCE}&line_items[0][quantity]=1"
            f"&line_items[0][price_data][currency]=krw&line_items[0][price_data][unit_amount]={AMOUNT}"
            "&line_items[0][price_data][product_data][name]=x&success_url=https://shop.example&cancel_url="
            "https://shop.example&allowed_payment_method_types[0]=card"
        )
        made = _ask(sandbox, "POST", "/v1/checkout/sessions", "", body)
        session = json.loads(made)["id"]
        sandbox.stripe.pay(session)
        expand = "expand[0]=payment_intent.latest_charge"
        paid = _ask(sandbox, "GET", f"/v1/checkout/sessions/{session}", expand, "")
        own = gateway_id(REFERENCE)
        intent = json.loads(paid)["payment_intent"]["id"]
        return made.replace(session, own), paid.replace(session, own).replace(intent, f"pi_{REFERENCE}")


def _ask(sandbox: Sandbox, method: str, path: str, query: str, body: str) -> str:
    headers = Message()
    headers["Authorization"] = f"Bearer {SECRET_KEY}"
    return sandbox.stripe.handle(Request(method, path, query, headers, body.encode())).body.decode()


class Peer:
    """What the gateway does and what both have seen."""

    def __init__(self) -> None:
        self._created, self._paid = _templates()
        self._random = random.Random(1)
        self._waiting: set[asyncio.Task[None]] = set()
        self.set({})
        self.reset()

    def set(self, how: dict[str, Any]) -> None:
        """``fixed``, or ``p50`` and ``p99``: seconds to an answer; ``faults``: their share. Ends present waits."""
        self._fixed, self._p50, self._p99 = how.get("fixed", 0.0), how.get("p50", 0.0), how.get("p99", 0.0)
        self._faults = how.get("faults", 0.0)
        for task in self._waiting:
            task.cancel()

    def reset(self) -> None:
        """Forget what happened."""
        self.took: dict[str, float] = {}
        self.faulty: list[str] = []
        self.told: dict[int, list[str]] = {}
        self.told_at: dict[int, float] = {}

    async def answer(self, method: str, target: str, body: bytes) -> str | None:
        """Return the body of the answer; None: the connection is cut."""
        path = urlsplit(target).path
        match path.split("/")[1:]:
            case ["v1", "checkout", "sessions"] if method == "POST":
                return await self._create(parse_qs(body.decode())["client_reference_id"][0])
            case ["v1", "checkout", "sessions", session]:
                await self._wait()
                return self._paid.replace(REFERENCE, session.removeprefix("cs_test_"))
            case ["shop", "complete"]:
                return self._hear(json.loads(body))
            case ["set"]:
                self.set(json.loads(body))
            case ["reset"]:
                self.reset()
            case ["told"]:
                return json.dumps(list(self.told))
        books = {"took": self.took, "faulty": self.faulty, "told": self.told, "told_at": self.told_at}
        return json.dumps(books)

    async def _create(self, reference: str) -> str | None:
        begun = time.monotonic()
        await self._wait()
        if self._random.random() < self._faults:
            self.faulty.append(reference)
            return None
        self.took[reference] = time.monotonic() - begun
        return self._created.replace(REFERENCE, reference)

    async def _wait(self) -> None:
        seconds = self._fixed
        if self._p50:
            seconds = self._random.lognormvariate(math.log(self._p50), math.log(self._p99 / self._p50) / Z99)
        if seconds:
            task = asyncio.ensure_future(asyncio.sleep(seconds))
            self._waiting.add(task)
            await asyncio.wait([task])
            self._waiting.discard(task)

    def _hear(self, message: dict[str, Any]) -> str:
        order = message["OrderId"]
        self.told.setdefault(order, []).append(message["EventId"])
        self.told_at.setdefault(order, time.monotonic())
        return '{"IsSuccess": true}'


async def _serve(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            lower = head.lower()
            length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in lower else 0
            said = await peer.answer(method, target, await reader.readexactly(length))
            if said is None:
                break
            data = said.encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data))
            writer.write(data)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _main(port: int) -> None:
    peer = Peer()
    server = await asyncio.start_server(lambda reader, writer: _serve(peer, reader, writer), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
