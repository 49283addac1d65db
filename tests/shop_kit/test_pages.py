"""The pages: their code compiles and runs, both languages show the same, and every code of PGB is in the table."""

import importlib.util
import json
import re
import sys
import time

import psycopg
import pytest
from django.db import connection

from bridge.errors import ErrorCode
from tests.door import signed
from tests.factories import SIGNING_SECRET
from tests.shop_kit.kit import HERE, KIT, compile_csharp
from tests.shop_kit.test_completions import message
from tests.threads import at_once

PAGES = {"en": KIT / "README.md", "ko": KIT / "README.ko.md"}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# The kits ask for no parameters of a gateway's window.
OF_PAY_WINDOWS = {ErrorCode.PAYMENT_ENDED, ErrorCode.NO_WINDOW}


def blocks(page, language):
    """The code on a page by the file's name, which stands in its first line."""
    found = (code for kind, code in BLOCK.findall(PAGES[page].read_text()) if kind == language)
    return {code.splitlines()[0].lstrip("/#- ").split(":")[0]: code for code in found}


def test_both_pages_show_the_same_code():
    for language in ("csharp", "python", "sql"):
        assert blocks("en", language) == blocks("ko", language) != {}


@pytest.mark.parametrize("page", PAGES)
def test_every_error_code_is_in_the_table(page):
    listed = re.findall(r"^\| `([A-Z_]+)` \| \w+ \|", PAGES[page].read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(set(map(str, ErrorCode)) - OF_PAY_WINDOWS)


def test_the_kit_compiles_by_itself_without_a_warning(mono, tmp_path):
    compile_csharp(tmp_path / "kit.dll", KIT / "PgbClient.cs")


def test_the_trial_compiles_beside_the_kit(mono, tmp_path):
    source = tmp_path / "Trial.cs"
    source.write_text(blocks("en", "csharp")["Trial.cs"])
    compile_csharp(tmp_path / "Trial.exe", source, KIT / "PgbClient.cs")


def test_all_examples_compile_together(mono, tmp_path):
    sources = []
    for name, code in blocks("en", "csharp").items():
        if name != "Trial.cs":
            sources.append(tmp_path / name)
            sources[-1].write_text(code)
    assert len(sources) == 7
    compile_csharp(
        tmp_path / "shop.dll", *sources, KIT / "PgbClient.cs", HERE / "Stubs.cs", more=["-r:System.Configuration"]
    )


@pytest.fixture
def example(monkeypatch, tmp_path, django_db_blocker, transactional_db):
    """The page's Python shop, on tables of its own in this test's database."""
    monkeypatch.syspath_prepend(str(KIT))
    path = tmp_path / "shop_of_the_page.py"
    path.write_text(blocks("en", "python")["shop.py"])
    spec = importlib.util.spec_from_file_location("shop_of_the_page", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with connection.cursor() as cursor:
        cursor.execute(module.TABLES)
        yield module
        cursor.execute("DROP TABLE pgb_event, pgb_order")
    sys.modules.pop("pgb_client")


def database():
    given = connection.get_connection_params()
    return psycopg.conninfo.make_conninfo(
        **{name: given[name] for name in ("dbname", "user", "host", "port") if given.get(name)}
    )


def receive(example, moved, body, id_, fault=None):
    def move_order(_connection, message):
        time.sleep(0.05)
        if fault:
            raise fault
        moved.append(message["Sequence"])

    store = example.SqlCompletionStore(database(), move_order)
    headers = signed(body, SIGNING_SECRET, id_=id_)
    reply = example.pgb.PgbReceiver(store, SIGNING_SECRET).receive(body.encode(), headers.get)
    return reply.status, json.loads(reply.body)["IsSuccess"]


def test_the_pages_sql_takes_one_message_once_and_an_overtaken_one_never(example):
    moved = []
    once = [lambda: receive(example, moved, message(2, "evt-2"), "evt-2")] * 6
    assert at_once(*once) == [(200, True)] * 6
    assert moved == [2]
    assert receive(example, moved, message(1, "evt-1"), "evt-1") == (200, True)
    assert moved == [2]
    assert receive(example, moved, message(3, "evt-3"), "evt-3") == (200, True)
    assert moved == [2, 3]


@pytest.mark.parametrize("turn", range(5))
def test_the_pages_sql_loses_no_newer_message_to_an_older_one(example, turn):
    moved = []
    at_once(
        lambda: receive(example, moved, message(1, "evt-1"), "evt-1"),
        lambda: receive(example, moved, message(2, "evt-2"), "evt-2"),
    )
    assert moved[-1] == 2


def test_the_pages_sql_forgets_what_the_shop_could_not_do(example):
    moved = []
    assert receive(example, moved, message(), "evt-1", fault=RuntimeError("locked")) == (500, False)
    assert receive(example, moved, message(), "evt-1") == (200, True)
    assert moved == [1]
