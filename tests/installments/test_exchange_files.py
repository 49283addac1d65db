"""Gateways' lists on the import page, and files that are none."""

import io
import json
import zipfile
from datetime import date

import openpyxl
import pytest

from installments.exchange import formats, storage
from installments.models import InterestFreeNotice
from tests.installments.exchange import GOOD, HEAD, kinds, refusals, stored
from tests.installments.factories import NoticeFactory
from tests.installments.lists import KICC, NICE, TOSS
from tests.sql import statements

pytestmark = pytest.mark.django_db


def test_toss_list(clock, upload, confirm, log_in_staff):
    preview = upload(TOSS, formats.TossList)
    confirm(preview)
    rows = InterestFreeNotice.objects.order_by("pk").values_list("issuer_id", "months", "gateway", "source", "ends_on")
    assert list(rows) == [
        ("SAMSUNG", 2, "tosspayments", "toss", date(2026, 12, 31)),
        ("SAMSUNG", 3, "tosspayments", "toss", date(2026, 12, 31)),
        ("WOORI", 6, "tosspayments", "toss", date(2026, 12, 15)),
    ]
    assert {row.starts_on for row in InterestFreeNotice.objects.all()} == {date(2026, 12, 10)}
    clock.shift(86_400)
    log_in_staff()
    assert kinds(upload(TOSS, formats.TossList)) == ["skip"] * 3
    assert kinds(upload(TOSS.replace("2026-12-15", "2027-01-15"), formats.TossList)) == ["skip", "skip", "update"]


def test_nice_list(clock, upload, confirm):
    confirm(upload(NICE, formats.NiceList, gateway="portone_v2", starts_on="2026-12-01"))
    rows = InterestFreeNotice.objects.order_by("pk").values_list("months", "min_amount", "max_amount", "gateway")
    assert list(rows) == [(months, 50_000, 99_999, "portone_v2") for months in (2, 3)] + [
        (months, 100_000, None, "portone_v2") for months in (2, 3, 4)
    ]


def test_kicc_list_takes_its_end_from_the_form(clock, upload, confirm):
    assert set(refusals(upload(KICC, formats.KiccList))) == {"CardInfo[0]"}
    preview = upload(KICC.encode("cp949"), formats.KiccList, ends_on="2026-12-31")
    confirm(preview)
    assert stored() == [("BC", 2, 0, 50_000), ("BC", 3, 0, 50_000)] + [("BC", n, 0, 100_000) for n in (4, 5, 6)]
    assert {(row.starts_on, row.ends_on) for row in InterestFreeNotice.objects.all()} == {
        (date(2026, 12, 10), date(2026, 12, 31))
    }


def test_an_issuer_that_nobody_knows_is_an_error_of_its_row(clock, upload):
    found = refusals(upload(TOSS.replace('"51"', '"ZZ"').replace("삼성", "<b>달나라"), formats.TossList))
    assert list(found) == ["interestFreeCards[0]"]
    assert "ZZ <b>달나라" in found["interestFreeCards[0]"]["카드사"]


def test_issuers_are_read_once_whatever_the_number_of_rows(upload):
    cards = json.loads(TOSS)
    cards["interestFreeCards"][1]["installmentFreeMonths"] = list(range(2, 40))
    with statements() as sent:
        upload(json.dumps(cards), formats.TossList)
    assert len([one for one in sent if 'ORDER BY "merchants_cardissuer"' in one and "LIMIT" not in one]) == 2


@pytest.mark.parametrize(
    ("content", "file_format", "words"),
    [
        ("\n", formats.CSV, "열이 빠졌습니다"),
        ("a,b\n1,2\n", formats.CSV, "열이 빠졌습니다: 카드사"),
        (HEAD.strip() + ",비고\n", formats.CSV, "모르는 열입니다: 비고"),
        (HEAD.strip() + ",카드사\n", formats.CSV, "같은 열이 두 번"),
        (HEAD + "삼성,2,0,50,000,2026-12-01,2026-12-31\n", formats.CSV, "2행의 칸이"),
        (HEAD + '삼성,"2\n', formats.CSV, "따옴표"),
        (b"\x81\x20\xff", formats.CSV, "CSV UTF-8"),
        (HEAD + "삼성,2,,,2026-12-01,2026-12-31\n" * 1001, formats.CSV, "1000행까지"),
        (b"PK nothing", formats.XLSX, "XLSX 파일이 아닙니다"),
        (GOOD, formats.XLSX, "XLSX 파일이 아닙니다"),
        ("{}", formats.TossList, "interestFreeCards"),
        (GOOD, formats.NiceList, "JSON"),
        ('{"CardInfo": [{"CardCode": "1", "CardEvent": "5~2"}]}', formats.KiccList, "CardInfo[0].CardEvent"),
        ("x" * (storage.LARGEST + 1), formats.CSV, "KB보다 큽니다"),
        (HEAD, formats.CSV, ""),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_file_that_is_none_is_refused_in_words(upload, content, file_format, words):
    answer = upload(content, file_format)
    assert words in " ".join(answer.context["form"].errors["import_file"])


def workbook():
    """{part: bytes} of a workbook with one notice."""
    book = openpyxl.Workbook()
    for line in GOOD.splitlines()[:2]:
        book.active.append(line.split(","))
    file = io.BytesIO()
    book.save(file)
    with zipfile.ZipFile(file) as parts:
        return {part.filename: parts.read(part) for part in parts.infolist()}


def packed(parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return file.getvalue()


def flagged(content, place, value):
    """Of a package whose parts all say something odd of themselves."""
    changed = bytearray(content)
    for head, offset in ((b"PK\x03\x04", place), (b"PK\x01\x02", place + 2)):
        at = changed.find(head)
        while at >= 0:
            changed[at + offset] = value
            at = changed.find(head, at + 1)
    return bytes(changed)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (packed(workbook() | {"xl/worksheets/sheet1.xml": b"<a><b></a>"}), "XLSX 파일이 아닙니다"),
        (packed(workbook() | {"xl/workbook.xml": b"<a><b></a>"}), "XLSX 파일이 아닙니다"),
        (flagged(packed(workbook()), 6, 1), "XLSX 파일이 아닙니다"),  # encrypted
        (flagged(packed(workbook()), 8, 99), "XLSX 파일이 아닙니다"),  # by a method that nobody knows
        (packed(workbook() | {"xl/media/blank.bmp": bytes(formats.LARGEST_UNPACKED)}), "XLSX 파일이 너무 큽니다"),
    ],
    ids=["sheet", "workbook", "encrypted", "method", "bomb"],
)
def test_a_workbook_that_nobody_can_read_is_refused_in_words(upload, content, words):
    assert upload(packed(workbook()), formats.XLSX).context["result"].totals["new"] == 1
    answer = upload(content, formats.XLSX)
    assert words in " ".join(answer.context["form"].errors["import_file"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"import_file_name": "x"},
        {"import_file_name": "../../etc/passwd"},
        {"import_file_name": ""},
        {"format": "9"},
        {"format": "x"},
        {"resource": "7"},
        {"gateway": "?"},
        {"starts_on": "x"},
    ],
    ids=str,
)
def test_a_forged_confirmation_takes_nothing_over(upload, confirm, wrong):
    assert confirm(upload(GOOD), **wrong).status_code < 500
    assert stored() == []


def test_a_confirmation_that_comes_too_late_is_refused(clock, upload, confirm, log_in_staff):
    preview = upload(GOOD)
    clock.shift(storage.SECONDS + 1)
    log_in_staff()
    assert confirm(preview).status_code == 400
    assert stored() == []


def test_all_rows_or_none_if_somebody_was_quicker(upload, confirm):
    preview = upload(GOOD)
    NoticeFactory(issuer_id="KB", months=12, min_amount=60_000)
    assert "그사이에 안내가 바뀌어" in confirm(preview).content.decode()
    assert stored() == [("KB", 12, 0, 60_000)]


@pytest.mark.parametrize("wrong", [{"kind": "zz"}, {"pk": "x"}, {"id__in": ","}], ids=str)
def test_an_export_of_a_filter_that_is_none_is_refused(admin_client, address, wrong):
    assert admin_client.get(address("export"), wrong).status_code == 400
