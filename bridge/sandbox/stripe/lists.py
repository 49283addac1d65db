"""Objects of one account: one by its id, or pages of them, newest first."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from operator import ge, gt, le, lt
from typing import Protocol, TypeVar

from bridge.sandbox.books import Json
from bridge.sandbox.stripe.accounts import Account
from bridge.sandbox.stripe.params import Refused


class Owned(Protocol):
    """What belongs to an account and can be listed."""

    @property
    def id(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def created(self) -> int: ...


T = TypeVar("T", bound=Owned)
BOUNDS = {"gt": gt, "gte": ge, "lt": lt, "lte": le}


def missing(kind: str, object_id: str, param: str) -> Refused:
    """Stripe's 404 for an object."""
    return Refused(f"No such {kind}: '{object_id}'", param=param, code="resource_missing", status=HTTPStatus.NOT_FOUND)


def own(account: Account, book: Mapping[str, T], object_id: str, kind: str, param: str) -> T:
    """The account's object; 404 if there is none, or if it is another account's."""
    found = book.get(object_id)
    if found is None or found.account != account.mid:
        raise missing(kind, object_id, param)
    return found


def page(
    account: Account, book: Mapping[str, T], params: Json, kind: str, wanted: Callable[[T], bool]
) -> tuple[list[T], bool]:
    """One page of the account's objects, and whether there are more."""
    after = params.get("starting_after")
    if after is not None:
        own(account, book, after, kind, "starting_after")
    limit = params.get("limit", 10)
    found: list[T] = []
    for one in reversed(list(book.values())):
        if after is not None:
            after = None if one.id == after else after
        elif one.account == account.mid and _in_range(one, params.get("created", {})) and wanted(one):
            found.append(one)
            if len(found) > limit:
                break
    return found[:limit], len(found) > limit


def _in_range(one: Owned, bounds: Mapping[str, int]) -> bool:
    return all(BOUNDS[name](one.created, value) for name, value in bounds.items())


def listing(url: str, data: list[Json], more: bool) -> Json:
    return {"object": "list", "data": data, "has_more": more, "url": url}
