"""Files of notices: what is read, what is refused in words, and that nothing happens before it is confirmed."""

import csv
import io
from datetime import date

import openpyxl
import pytest
from auditlog.models import LogEntry

from installments.admin.exchanging import EXPORT_FORMATS
from installments.exchange import formats
from installments.models import InterestFreeNotice
from tests.installments.exchange import GOOD, HEAD, kinds, refusals, stored
from tests.installments.factories import NoticeFactory

pytestmark = pytest.mark.django_db


def test_a_file_is_seen_first_and_then_taken_over(upload, confirm):
    preview = upload(GOOD)
    assert kinds(preview) == ["new", "new"]
    assert stored() == []
    answer = confirm(preview)
    assert "새 안내 2건, 고친 안내 0건, 그대로 0건입니다." in answer.content.decode()
    assert stored() == [("SAMSUNG", 2, 0, 50_000), ("KB", 12, 5, 100_000)]
    assert {(row.starts_on, row.ends_on) for row in InterestFreeNotice.objects.all()} == {
        (date(2026, 12, 1), date(2026, 12, 31))
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_what_excel_saves_is_read(upload, encoding):
    assert kinds(upload(GOOD.encode(encoding))) == ["new", "new"]


def test_the_first_sheet_of_an_excel_file_is_read(upload, confirm):
    book = openpyxl.Workbook()
    rows = [
        ["카드사", "할부개월", "시작일", "종료일", None],
        ["신한카드", 3.0, date(2026, 12, 1), "2026-12-31", None],
        [None] * 5,
    ]
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    confirm(upload(file.getvalue(), formats.XLSX))
    assert stored() == [("SHINHAN", 3, 0, 50_000)]


def test_every_wrong_row_is_named_with_its_line_and_says_what_to_do(upload):
    NoticeFactory(months=9)
    preview = upload(
        "번호," + HEAD
        + ",삼숭,2,,,2026-12-01,2026-12-31\n"
        + ",삼성,61,60,오만원,2026-12-01,2026-13-01\n"
        + ",삼성,9,,,2026-12-31,2027-01-31\n"
        + "\n"
        + ",삼성,4,,,2026-12-01,2026-12-31\n"
        + ",삼성,4,,70000,2026-12-31,2026-12-31\n"
        + ",삼성,,,,,2026-12-31\n"
        + "999999,삼성,5,,,2026-12-01,2026-12-31\n"
        + "x,삼성,5,,,2026-12-01,2026-12-31\n"
        + ",삼성,5,5,,2026-12-01,2026-11-01\n"
    )  # fmt: skip
    found = refusals(preview)
    assert list(found) == ["2행", "3행", "4행", "7행", "8행", "9행", "10행", "11행"]
    assert "삼숭" in found["2행"]["카드사"]
    assert "오만원" in found["3행"]["최소 금액"] and "2026-13-01" in found["3행"]["종료일"]
    assert "삼성 9개월" in found["4행"]["__all__"]
    assert "이 파일의 6행" in found["7행"]["__all__"]
    assert set(found["8행"]) == {"할부개월", "시작일"}
    assert "999999" in found["9행"]["번호"] and "x" in found["10행"]["번호"]
    assert "종료일" in found["11행"]["__all__"]
    page = preview.content.decode()
    assert "6행" in page and "삼숭" in page
    assert InterestFreeNotice.objects.count() == 1


def test_a_row_changes_the_notice_of_its_number_or_of_its_key_or_makes_a_new_one(upload, confirm):
    first, second = NoticeFactory(months=2, target="개인"), NoticeFactory(months=3)
    changed = (
        "번호," + HEAD
        + f"{first.pk},삼성,6,1,,2026-12-01,2026-12-31\n"
        + ",삼성,3,2,50000,2026-12-01,2026-12-15\n"
        + ",삼성,3,0,50000,2026-12-16,2026-12-31\n"
    )  # fmt: skip
    preview = upload(changed)
    assert kinds(preview) == ["update", "update", "new"]
    confirm(preview)
    assert stored() == [("SAMSUNG", 6, 1, 50_000), ("SAMSUNG", 3, 2, 50_000), ("SAMSUNG", 3, 0, 50_000)]
    first.refresh_from_db()
    assert first.target == "개인"  # its column was left out
    second.refresh_from_db()
    assert second.ends_on == date(2026, 12, 15)


def export(client, address, file_format=formats.CSV, reason="월말 확인", **query):
    data = {"format": str(EXPORT_FORMATS.index(file_format)), "resource": "0", "reason": reason}
    return client.post(address("export"), data, query_params=query)


@pytest.fixture
def all_sorts():
    NoticeFactory(issuer_id="KB", months=12, buyer_turns=5, bearer="shop", max_amount=999_999, gateway="inicis")
    NoticeFactory(title='=HYPERLINK("x")', target="-개인\n두 번째 줄", exceptions='\'법인, "체크"', display_order=3)
    NoticeFactory(months=4, in_use=False, source="toss", nation="JP", min_amount=0)


@pytest.mark.parametrize("file_format", EXPORT_FORMATS)
def test_importing_an_export_again_changes_nothing(admin_client, address, upload, all_sorts, file_format):
    answer = export(admin_client, address, file_format)
    assert answer["Content-Disposition"].startswith('attachment; filename="interest-free-')
    assert kinds(upload(answer.content, file_format)) == ["skip"] * 3


def test_an_export_opens_in_excel_and_holds_no_formula(admin_client, address, all_sorts):
    content = export(admin_client, address).content
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0]["카드사"] and {row["제목"] for row in rows} >= {'\'=HYPERLINK("x")'}
    book = openpyxl.load_workbook(io.BytesIO(export(admin_client, address, formats.XLSX).content))
    cells = {cell.value: cell for row in book.active.rows for cell in row}
    assert not [cell for cell in cells.values() if cell.data_type == "f"]
    assert 50_000 in cells and "예" in cells and "아니오" in cells


def test_an_export_takes_what_the_list_shows_and_is_recorded_with_its_reason(admin_client, address, all_sorts):
    content = export(admin_client, address, issuer__code__exact="KB").content.decode("utf-8-sig")
    assert len(content.splitlines()) == 2
    entry = LogEntry.objects.get(action=LogEntry.Action.ACCESS)
    assert (entry.additional_data["reason"], entry.additional_data["count"]) == ("월말 확인", 1)
    answer = export(admin_client, address, reason=" ")
    assert "attachment" not in answer.get("Content-Disposition", "")


def test_only_who_may_export_does(person, address):
    assert export(person("view_interestfreenotice"), address).status_code == 403
    allowed = person("view_interestfreenotice", "export_interestfreenotice")
    assert "내보내기" in allowed.get(address()).content.decode()
    assert export(allowed, address)["Content-Type"] == "text/csv"


def test_import_takes_both_permissions(person, address):
    for few in (["add_interestfreenotice"], ["change_interestfreenotice"]):
        client = person("view_interestfreenotice", *few)
        assert client.get(address("import")).status_code == 403
        assert client.post(address("process_import"), {}).status_code == 403
    both = person("view_interestfreenotice", "add_interestfreenotice", "change_interestfreenotice")
    assert both.get(address("import")).status_code == 200
