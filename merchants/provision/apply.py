"""Makes the tables say what a provision file wants. Rows that it does not name are left alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import connection as database
from django.db import models, transaction
from django.utils import translation

from merchants import audit
from merchants.crypto import CannotOpen
from merchants.keys import hash_api_key
from merchants.lookup import clear_cache
from merchants.models import Merchant, MethodConnection, Shop
from merchants.provision.entries import Entry, Wanted
from merchants.provision.problems import ProvisionError, WrongValue, in_english

# Where the file's word is not the model's.
_SHOP_ATTRIBUTES = {"nation": "nations", "api_key": "api_key_hash", "api_key_old": "api_key_old_hash"}
_TABLES = (Shop, Merchant, MethodConnection)


@dataclass(frozen=True)
class Outcome:
    """What became of one row: created, or the names of what changed, or neither."""

    row: str
    created: bool
    changed: list[str]

    def __str__(self) -> str:
        if self.created:
            return f"{self.row}: created"
        return f"{self.row}: changed {', '.join(self.changed)}" if self.changed else f"{self.row}: unchanged"


def apply(wanted: Wanted) -> list[Outcome]:
    """Do all that is wanted in one transaction, or nothing. Raises ProvisionError."""
    with transaction.atomic(), translation.override("en"), audit.changes_come_from(audit.PROVISION):
        _one_at_a_time()
        outcomes = _apply_all(_shop, wanted.shops) + _apply_all(_merchant, wanted.merchants)
        outcomes += _apply_all(_connection, wanted.connections)
    clear_cache()
    return outcomes


def _one_at_a_time() -> None:
    """Keep out a second provisioner: both would create the rows that they miss. Payments go on."""
    names = ", ".join(database.ops.quote_name(model._meta.db_table) for model in _TABLES)
    with database.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")


def _apply_all(apply_one: Callable[[Entry], Outcome], entries: list[Entry]) -> list[Outcome]:
    outcomes, problems = [], []
    for entry in entries:
        try:
            outcomes.append(apply_one(entry))
        except WrongValue as wrong:
            problems.append(f"{entry.place}{wrong.at}: {wrong.message}")
        except ValidationError as error:
            problems.extend(_told(entry.place, error))
    if problems:
        raise ProvisionError(problems)
    return outcomes


def _told(place: str, error: ValidationError) -> list[str]:
    words = {attribute: name for name, attribute in _SHOP_ATTRIBUTES.items()}
    return [
        f"{place}{'' if name == NON_FIELD_ERRORS else '.' + words.get(name, name)}: {in_english(one)}"
        for name, errors in error.error_dict.items()
        for one in errors
    ]


def _shop(entry: Entry) -> Outcome:
    values = dict(entry.values)
    values["api_key"] = hash_api_key(values["api_key"])
    values["api_key_old"] = hash_api_key(values["api_key_old"]) if values["api_key_old"] else ""
    shop = Shop.objects.filter(db_type=values["db_type"], joiner_id=values["joiner_id"]).first() or Shop()
    return _write("shop", shop, values, _SHOP_ATTRIBUTES)


def _merchant(entry: Entry) -> Outcome:
    merchant = Merchant.objects.filter(code=entry.values["code"]).first() or Merchant()
    return _write("merchant", merchant, entry.values)


def _connection(entry: Entry) -> Outcome:
    values = {name: value for name, value in entry.values.items() if name not in {"merchant", "method"}}
    merchant = Merchant.objects.filter(code=entry.values["merchant"]).first()
    if merchant is None:
        raise WrongValue(f"there is no merchant {entry.values['merchant']!r}", ".merchant")
    values |= {"merchant": merchant, "method_id": entry.values["method"]}
    key = ("db_type", "joiner_id", "nation", "method_id", "device", "merchant")
    found = MethodConnection.objects.filter(**{name: values[name] for name in key})
    if len(found) > 1:
        raise WrongValue(f"there are already {len(found)} such connections: change them in the admin")
    return _write("connection", found[0] if found else MethodConnection(), values)


def _write(
    kind: str, row: models.Model, values: Mapping[str, Any], attributes: Mapping[str, str] | None = None
) -> Outcome:
    attributes = attributes or {}
    changed = []
    for name, value in values.items():
        attribute = attributes.get(name, name)
        if _differs(row, attribute, value):
            setattr(row, attribute, value)
            changed.append(name)
    created = row._state.adding
    if changed or created:
        row.full_clean()
        row.save()
    return Outcome(f"{kind} {row}", created, changed)


def _differs(row: models.Model, attribute: str, value: Any) -> bool:
    if row._state.adding:
        return True
    try:
        return bool(getattr(row, attribute) != value)
    except CannotOpen:
        return True  # its key is lost: the file brings the value back
