"""How faults change the way of one request: before a stand-in looks at it, while it works, and after."""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from bridge.sandbox.faults import Taken
from bridge.sandbox.wire import TYPE_HTML, Manner, Response

ErrorAnswer = Callable[[int, str], Response]  # (status, code) -> the stand-in's own error body
GARBAGE = {
    "html": (b"<html><head><title>Bad Gateway</title></head><body>nginx</body></html>", TYPE_HTML),
    "truncated": (b'{"id": "cs_test_', "application/json"),
    "empty": (b"", "application/json"),
    "array": (b"[]", "application/json"),
    "binary": (bytes(range(128, 256)), "application/json"),
}


def before(taken: Taken, error: ErrorAnswer) -> Response | None:
    """The answer of what stands in front of the peer, if the request never reaches it."""
    if fault := taken.get("drop"):
        return Response(manner=Manner("drop", reset=fault["reset"]))
    if fault := taken.get("throttle"):
        return error(HTTPStatus.TOO_MANY_REQUESTS, fault["code"])
    if "conflict" in taken:
        return error(HTTPStatus.CONFLICT, "idempotency_key_in_use")
    if (fault := taken.get("error_before")) and fault["status"] != HTTPStatus.INTERNAL_SERVER_ERROR:
        return error(fault["status"], "")
    return None


def within(taken: Taken, call: Callable[[], Response], error: ErrorAnswer) -> Response:
    """The peer's own work. Its own 500 belongs to the work (and is remembered with it), 502-504 do not."""
    taken.sleep()
    if (fault := taken.get("error_before")) and fault["status"] == HTTPStatus.INTERNAL_SERVER_ERROR:
        return error(fault["status"], "")
    response = call()
    if (fault := taken.get("error_after")) and fault["status"] == HTTPStatus.INTERNAL_SERVER_ERROR:
        return error(fault["status"], "")
    return response


def after(taken: Taken, response: Response, error: ErrorAnswer) -> Response:
    """What becomes of the answer on its way back."""
    response = replace(response)  # the peer may have remembered it as it was
    if (fault := taken.get("error_after")) and fault["status"] != HTTPStatus.INTERNAL_SERVER_ERROR:
        response = error(fault["status"], "")
    if fault := taken.get("garbage"):
        body, content_type = GARBAGE[fault["body"]]
        response = Response(response.status, body, content_type)
    if fault := taken.get("answer_lost"):
        response.manner = Manner("drop", reset=fault["reset"])
    elif fault := taken.get("outage"):
        response.manner = Manner("outage", fault["seconds"])
    elif "answer_cut" in taken:
        response.manner = Manner("half")
    elif fault := taken.get("drip"):
        response.manner = Manner("drip", fault["seconds"])
    elif "endless" in taken:
        response.manner = Manner("endless")
    return response
