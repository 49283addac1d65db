"""The least without Django: WSGI, one HMAC, one INSERT through psycopg's own pool."""

import hashlib
import hmac
import os

from psycopg_pool import ConnectionPool

from tests.bench.wire import WEBHOOK_SECRET

_pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=1, max_size=17, kwargs={"autocommit": True}, open=False)


def application(environ, start_response):
    """Take what the other floor takes."""
    _pool.open()
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    parts = dict(part.split("=", 1) for part in environ["HTTP_STRIPE_SIGNATURE"].split(","))
    made = hmac.new(WEBHOOK_SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(made, parts["v1"]):
        start_response("400 Bad Request", [("Content-Length", "0")])
        return []
    with _pool.connection() as connection:
        connection.execute("INSERT INTO bench_note (body, received_at) VALUES (%s, now())", [body])
    start_response("200 OK", [("Content-Length", "0")])
    return []
