"""무이자할부 안내 관리: the list, its filters, and the forms."""

from datetime import date

import pytest
import time_machine
from django.urls import reverse

from installments.models import InterestFreeNotice
from tests.installments.factories import NoticeFactory
from tests.sql import statements

pytestmark = pytest.mark.django_db

NEW = {
    "issuer": "KB",
    "bearer": "issuer",
    "starts_on": "2026-12-01",
    "ends_on": "2026-12-31",
    "min_amount": "50000",
    "nation": "KR",
    "display_order": "0",
    "in_use": "on",
}


def shown(answer):
    return sorted(answer.context["cl"].queryset.values_list("months", flat=True))


def test_the_list_takes_the_same_few_statements_for_any_number_of_rows(admin_client, address):
    def fill(rows):
        new = [NoticeFactory.build(issuer_id="KB", min_amount=n, max_amount=n) for n in rows]
        InterestFreeNotice.objects.bulk_create(new)

    def count(rows):
        with statements() as sent:
            assert admin_client.get(address()).context["cl"].result_count == rows
        return len(sent)

    fill(range(10))
    few = count(10)
    fill(range(10, 1000))
    assert count(1000) == few <= 12


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [2, 3, 4, 5]),
        ({"state": "now"}, [2, 5]),
        ({"state": "coming"}, [3]),
        ({"state": "over"}, [4]),
        ({"state": "nonsense"}, [2, 3, 4, 5]),
        ({"day": "2026-11-30"}, [4]),
        ({"day": "2027-01-31"}, [3]),
        ({"day": "2026-02-30"}, [2, 3, 4, 5]),
        ({"issuer__code__exact": "KB"}, [5]),
        ({"gateway__exact": "inicis"}, [5]),
        ({"bearer__exact": "shop"}, [5]),
        ({"nation": "KR"}, [2, 3, 4, 5]),
        ({"q": "국민"}, [5]),
    ],
    ids=str,
)
def test_filters(clock, admin_client, address, query, found):
    NoticeFactory(months=2)
    NoticeFactory(months=3, starts_on=date(2027, 1, 1), ends_on=date(2027, 1, 31))
    NoticeFactory(months=4, starts_on=date(2026, 11, 1), ends_on=date(2026, 11, 30))
    NoticeFactory(months=5, issuer_id="KB", gateway="inicis", bearer="shop")
    assert shown(admin_client.get(address(), query)) == found


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ("2026-11-30T14:59:59Z", "예정"),
        ("2026-11-30T15:00:00Z", "진행중"),
        ("2026-12-31T14:59:59Z", "진행중"),
        ("2026-12-31T15:00:00Z", "종료"),
    ],
)
def test_the_state_changes_at_midnight_in_korea(log_in_staff, address, now, state):
    NoticeFactory()
    with time_machine.travel(now, tick=False):
        page = log_in_staff().get(address()).content.decode()
    row = page[page.index('id="result_list"') : page.index("</table>")]
    assert [one for one in ("예정", "진행중", "종료") if one in row] == [state]


def add(client, address, **values):
    return client.post(address("add"), NEW | values, follow=True)


def test_several_months_are_entered_at_once(admin_client, address):
    months = {"months_and_turns_2": "on", "months_and_turns_2_turns": "0", "months_and_turns_10": "on"}
    answer = add(admin_client, address, **months, months_and_turns_10_turns="4", months_and_turns_5_turns="1")
    assert answer.redirect_chain
    assert list(InterestFreeNotice.objects.values_list("months", "buyer_turns", "issuer_id", "min_amount")) == [
        (2, 0, "KB", 50_000),
        (10, 4, "KB", 50_000),
    ]


def problems(answer):
    form = answer.context["adminform"].form
    return {name: " ".join(found) for name, found in form.errors.items()}


def test_all_months_or_none_are_entered_and_each_obstacle_is_named_with_a_link(admin_client, address):
    other = NoticeFactory(issuer_id="KB", months=3)
    answer = add(admin_client, address, months_and_turns_2="on", months_and_turns_3="on")
    [(field, problem)] = problems(answer).items()
    assert field == "months_and_turns"
    assert problem.startswith("3개월: 이미 있는 안내와 겹칩니다")
    assert f'href="{address("change", other.pk)}"' in answer.content.decode()
    assert InterestFreeNotice.objects.get() == other


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({}, "months_and_turns"),
        ({"months_and_turns_2": "on", "months_and_turns_2_turns": "2"}, "months_and_turns"),
        ({"months_and_turns_2": "on", "months_and_turns_2_turns": "-1"}, "months_and_turns"),
        ({"months_and_turns_2": "on", "months_and_turns_2_turns": "²"}, "months_and_turns"),
        ({"months_and_turns_2": "on", "ends_on": "2026-11-30"}, "__all__"),
        ({"months_and_turns_2": "on", "max_amount": "1"}, "__all__"),
        ({"months_and_turns_2": "on", "max_amount": "9" * 30}, "max_amount"),
        ({"months_and_turns_2": "on", "nation": "XX"}, "nation"),
        ({"months_and_turns_2": "on", "issuer": "NONE"}, "issuer"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_in_words(admin_client, address, wrong, field):
    assert list(problems(add(admin_client, address, **wrong))) == [field]
    assert not InterestFreeNotice.objects.exists()


def change(client, address, row, **values):
    data = NEW | {"issuer": row.issuer_id, "months": row.months, "buyer_turns": "0"} | values
    return client.post(address("change", row.pk), data, follow=True)


def test_a_row_is_changed_by_itself(admin_client, address):
    row = NoticeFactory(source="toss")
    assert "토스페이먼츠 목록" in admin_client.get(address("change", row.pk)).content.decode()
    assert change(admin_client, address, row, buyer_turns="1").redirect_chain
    row.refresh_from_db()
    assert (row.months, row.buyer_turns, row.kind) == (3, 1, "부분무이자 (고객 1회차)")


def test_a_changed_row_that_overlaps_names_the_other_with_a_link(admin_client, address):
    row, other = NoticeFactory(), NoticeFactory(months=6, max_amount=99_999)
    answer = change(admin_client, address, row, months="6")
    assert list(problems(answer)) == ["__all__"]
    link = f'<a class="underline" href="{address("change", other.pk)}">#{other.pk} 삼성 6개월 50,000~99,999원'
    assert link in answer.content.decode()


def test_two_who_save_at_once_are_told(admin_client, address, monkeypatch):
    NoticeFactory(issuer_id="KB", months=2)
    # Neither sees the other's row when the form is checked.
    monkeypatch.setattr(InterestFreeNotice, "validate_constraints", lambda *args, **kwargs: None)
    answer = add(admin_client, address, months_and_turns_2="on")
    assert "그사이에 겹치는 안내가 저장되었습니다" in answer.content.decode()
    assert InterestFreeNotice.objects.count() == 1


def test_who_may_only_look_finds_no_way_to_change(person, address):
    row = NoticeFactory()
    client = person("view_interestfreenotice")
    page = client.get(address()).content.decode()
    assert "미리보기" in page and "내보내기" not in page and "가져오기" not in page
    assert client.get(reverse("admin:installments_preview")).status_code == 200
    for closed in ("add", "import", "export"):
        assert client.get(address(closed)).status_code == 403
    assert client.get(reverse("admin:installments_copy")).status_code == 403
    assert change(client, address, row).status_code == 403


def test_who_may_see_nothing_sees_no_preview(person):
    client = person()
    for page in ("preview", "preview_frame", "preview_notices"):
        assert client.get(reverse(f"admin:installments_{page}")).status_code == 403
