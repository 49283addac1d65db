"""A shop on the Python kit, for tests: one JSON object a line on standard input, one on standard output.

Driver.cs is the same shop on the C# kit. The folder of the kit is the one argument.
"""

import json
import logging
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

sys.path.insert(0, sys.argv[1])

import pgb_client as pgb

CALLS = {
    "PayStart": "pay_start",
    "PayStatus": "pay_status",
    "PartialCancel": "partial_cancel",
    "FullCancel": "full_cancel",
}
AMOUNTS = ("TotalPrice", "TaxFreePrice", "RefundPrice", "CurrentTotalPrice")
SNAKE = {"DBType": "db_type", "JoinerId": "joiner_id", "NationCode": "nation_code", "PayType": "pay_type"}
SNAKE |= {"PGType": "pg_type", "Device": "device"}
OPTIONS = {"url": "base_url", "key": "api_key", "secret": "signing_secret"}
OPTIONS |= {name: name for name in ("timeout", "patience", "repeat_after")}


class Books:
    """The memory store, with a journal of what was committed and steps that go wrong on demand."""

    def __init__(self):
        self.next_steps = deque()
        self.applied = []
        self.logged = []
        self._store = pgb.MemoryCompletionStore(lambda message: None)

    @contextmanager
    def begin(self):
        with self._store.begin() as inner:
            transaction = Transaction(inner, self.next_steps.popleft() if self.next_steps else "")
            yield transaction
            if transaction.step == "fail_commit":
                raise OSError("the database went away")
            self.applied += transaction.pending


class Transaction:
    def __init__(self, inner, step):
        self.remember_event = inner.remember_event
        self.raise_sequence = inner.raise_sequence
        self.step = step
        self.pending = []

    def apply(self, message):
        if self.step == "refuse":
            raise pgb.CompletionRefused("주문 시스템 점검 중입니다", final=False)
        if self.step == "final":
            raise pgb.CompletionRefused("there is no such order", final=True)
        if self.step == "fail":
            raise RuntimeError("the order table is locked")
        self.pending.append(message)


class Journal(logging.Handler):
    """Keeps what the kit logs."""

    def emit(self, record):
        error = record.exc_info[1] if record.exc_info else None
        shop.books.logged.append(str(error or record.getMessage()))


class Shop:
    """The shop's completion URL and its books."""

    def __init__(self):
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                reply = shop.receiver.receive(body, self.headers.get)
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def listen(self, secrets):
        self.books = Books()
        self.receiver = pgb.PgbReceiver(self.books, *secrets)
        return f"http://127.0.0.1:{self._server.server_port}/complete"


def client(command):
    given = {ours: command[name] for name, ours in OPTIONS.items() if name in command}
    return pgb.PgbClient(**given)


def params(command):
    keys = {name: value for name, value in command.items() if name not in (*OPTIONS, "do")}
    return {name: Decimal(value) if name in AMOUNTS else value for name, value in keys.items()}


def call(command):
    answer = getattr(client(command), CALLS[command["do"]])(**params(command))
    return {
        "type": answer["Type"],
        "url": answer["RedirectUrl"],
        "payment_id": answer.get("PaymentId"),
        "stage": answer.get("Stage"),
        "paid": answer.get("PaidPrice"),
        "balance": answer.get("Balance"),
        "cancel_id": answer.get("CancelId"),
        "reserved": answer.get("Reserved"),
        "disputed": answer.get("Disputed", False),
        "cancels": "\n".join(json.dumps(one) for one in answer.get("Cancellations", [])),
        "claims": len(answer.get("ClaimPayments", [])),
        "others": len(answer.get("OtherPayments", [])),
        "raw": json.dumps(answer),
    }


def is_integration_target(command):
    return {"answer": client(command).is_integration_target(**{SNAKE[k]: v for k, v in params(command).items()})}


def form(command):
    keys = {name: value for name, value in command.items() if name not in (*OPTIONS, "do")}
    request = requests.Request("POST", command["url"], data=keys).prepare()
    if secret := command.get("secret"):
        request.headers.update(pgb.sign(secret, "form-1", request.body.encode(), time.time()))
    else:
        request.headers["Authorization"] = f"Bearer {command['key']}"
    with requests.Session() as session:
        return {"raw": session.send(request, timeout=30).text}


def sign(command):
    headers = pgb.sign(command["secret"], command["id"], command["body"].encode(), command["timestamp"])
    return {"signature": headers["webhook-signature"]}


def verify(command):
    given = {f"webhook-{name}": str(command[name]) for name in ("id", "timestamp", "signature") if name in command}
    pgb.verify(command["body"].encode(), given.get, command["secrets"].split(" "), command["now"])
    return {"verified": True}


def hint(command):
    found = pgb.read_return(command, *command["secrets"].split(" "))
    return {"signed": True, **vars(found)} if found else {"signed": False}


def books(command):
    return {"books": "\n".join(json.dumps(message) for message in shop.books.applied)}


shop = Shop()
pgb.log.addHandler(Journal())
KINDS = {"PgbSetupError": "PgbSetup", "SignatureError": "PgbSignature", "ValueError": "Argument"}
COMMANDS = {
    **dict.fromkeys(CALLS, call),
    "IsIntegrationTarget": is_integration_target,
    "form": form,
    "sign": sign,
    "verify": verify,
    "hint": hint,
    "listen": lambda command: {"url": shop.listen(command["secrets"].split(" "))},
    "next": lambda command: {"next": shop.books.next_steps.append(command["what"])},
    "books": books,
    "log": lambda command: {"log": "\n".join(shop.books.logged)},
}


def answer(command):
    try:
        return COMMANDS[command["do"]](command)
    except pgb.PgbError as error:
        return {
            **failed(error),
            "code": error.code,
            "status": error.status,
            "x_request_id": error.x_request_id,
            "balance": (error.answer or {}).get("Balance"),
            "cancel_id": (error.answer or {}).get("CancelId"),
        }
    except Exception as error:
        return failed(error)


def failed(error):
    name = type(error).__name__
    return {"kind": KINDS.get(name, name), "message": str(error)}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
