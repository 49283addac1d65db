"""The table of the bench as a page."""

import os
import platform
from importlib.metadata import version

import psutil
from django.db import connection
from django.utils import timezone

from tests.bench.bench import Row

HEAD = """# What PGB does on this machine

Written by `make bench`, which runs everything on one machine: PGB (gunicorn with 2 processes of 16 threads, one worker
and one dispatcher of 16 threads), PostgreSQL with fsync on, Redis, the load generator, and a light gateway and shop.
The floor is a bare Django view with PGB's middleware and pool that checks one HMAC and writes one row; the raw floor
is WSGI with one INSERT through psycopg. Both run in the same gunicorn. Ratios are medians over interleaved rounds.
Requests are prepared before they are sent; a connection is renewed after 25 of them. What a PayStart "adds" is its
answer's time from the moment at which it was due, less the time that the gateway took for it.

{when}; {machine}; {versions}.

| | workload | result | wanted | |
|---|---|---|---|---|
"""

NOTES = """
## Where the time goes

W9 and W12 are bound by the processor, which everything here shares, the load generator and the other side too. Most of
it is Python on its way through Django's ORM: a payment that is verified and told costs about thirty statements, a new
PayStart ten. PostgreSQL takes about a quarter. What would help next, in this order: claiming a row by one statement
instead of three or four, reading a session once instead of three times while it is settled, and a second machine.
W1 is near the floor because its one statement is written out by hand (payments/inbox.py); the rest is reading the
event, sealing its body, and an insert into more indexes.
"""


def page(rows: list[Row]) -> str:
    """Return the page in Markdown."""
    head = HEAD.format(when=timezone.now().strftime("%Y-%m-%d %H:%M UTC"), machine=_machine(), versions=_versions())
    verdict = {True: "met", False: "**missed**", None: ""}
    table = [f"| {row.code} | {row.workload} | {row.result} | {row.bar} | {verdict[row.met]} |" for row in rows]
    details = [f"- **{row.code}**, {row.workload}: {row.detail}." for row in rows if row.detail]
    return head + "\n".join([*table, "", *details]) + "\n" + NOTES


def _machine() -> str:
    gigabytes = psutil.virtual_memory().total / 1e9
    load = os.getloadavg()[2]
    return f"{os.cpu_count()} cores, {gigabytes:.0f} GB, load over the last 15 minutes {load:.1f}"


def _versions() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (postgresql,) = cursor.fetchone()
    names = ("Django", "gunicorn", "psycopg", "celery")
    return f"Python {platform.python_version()}, PostgreSQL {postgresql}, " + ", ".join(
        f"{name} {version(name)}" for name in names
    )
