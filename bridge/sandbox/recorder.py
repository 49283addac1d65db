"""The hook by which tests look at all traffic of the sandbox."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Exchange:
    """One request and its answer.

    `kind` is api (a request to Stripe: `target` is path and query) or webhook (an event: `target` is the URL;
    the answer's body is not kept). `faulty`: a fault changed it, so it need not look as Stripe's would.
    """

    kind: str
    method: str
    target: str
    body: bytes
    status: int
    answer: bytes
    faulty: bool


Recorder = Callable[[Exchange], None]
