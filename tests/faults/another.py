"""A second process of PGB on the test's database: it takes requests, many at once, and works off what is due.

    python -m tests.faults.another

Reads lines of JSON, each a list of (path, body, Authorization); fires them all at once and writes the answers
as a line of JSON. A line that is an empty list lets it work off what is due.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import django
from django.db import connection
from django.test import Client

THREADS = 16


def main() -> None:
    django.setup()
    from bridge import drains  # noqa: PLC0415  needs the apps
    from merchants import lookup  # noqa: PLC0415
    from payments.queues import Queue  # noqa: PLC0415

    client = Client()
    with ThreadPoolExecutor(THREADS) as pool:
        for line in sys.stdin:
            lookup.clear_cache()
            asked = json.loads(line)
            done = [pool.submit(partial(post, client, *one)) for one in asked]
            while not all(one.done() for one in done):
                for queue in Queue:
                    drains.drain(queue)
            print(json.dumps([one.result() for one in done]), flush=True)


def post(client: Client, path: str, body: dict[str, Any], authorization: str) -> Any:
    """Call PGB as the shop does."""
    try:
        headers = {"Authorization": authorization}
        return client.post(path, json.dumps(body), content_type="application/json", headers=headers).json()
    finally:
        connection.close()


if __name__ == "__main__":
    main()
