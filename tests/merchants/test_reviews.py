"""카드사 심사 on a merchant's page: which issuers pay with this MID, and the buttons for many at once."""

from datetime import date, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone

from merchants.codes import ReviewState
from merchants.models import CardIssuer, IssuerReview, Merchant
from tests.factories import MerchantFactory
from tests.merchants.forms import INICIS_KEYS, filled
from tests.merchants.refusals import refused

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def clock():
    """Half past midnight in Seoul, the day before in UTC."""
    with time_machine.travel("2026-03-01T15:30:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def inicis():
    """A live MID whose cards each issuer opens by itself."""
    return MerchantFactory(gateway="inicis", mid="SIRtqoon01", mode="live", credentials=INICIS_KEYS)


def review(merchant, code="SAMSUNG", **facts):
    return IssuerReview.objects.create(merchant=merchant, issuer_id=code, **facts)


def formset(*rows, **more):
    """The whole form with these rows of reviews: a row's dict changes it."""
    data = filled("inicis", keys={})
    prefix = "issuer_reviews"
    data |= {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": sum(one.pk is not None for one, _ in rows)}
    for n, (row, changes) in enumerate(rows):
        facts = {"id": row.pk or "", "merchant": row.merchant_id or "", "issuer": row.issuer_id, "state": row.state}
        facts |= {"requested_on": row.requested_on or "", "decided_on": row.decided_on or "", "note": row.note}
        data |= {f"{prefix}-{n}-{name}": value for name, value in {**facts, **changes}.items()}
    return data | more


class TestDates:
    def test_who_passed_passed_today_in_seoul_unless_told_otherwise(self, inicis):
        assert review(inicis, state=ReviewState.PASSED).decided_on == TODAY
        told = review(inicis, "SHINHAN", state=ReviewState.PASSED, decided_on=date(2026, 2, 1))
        assert told.decided_on == date(2026, 2, 1)
        assert review(inicis, "HYUNDAI", state=ReviewState.REVIEWING).decided_on is None

    def test_decision_before_the_request_is_refused(self, inicis):
        dates = {"requested_on": TODAY, "decided_on": TODAY - timedelta(days=1)}
        refused("review_decided_after_request", review, merchant=inicis, **dates)
        with pytest.raises(ValidationError, match="앞설 수 없습니다"):
            IssuerReview(merchant=inicis, issuer_id="SAMSUNG", **dates).full_clean()

    def test_request_still_to_come_cannot_have_passed_today(self, inicis):
        row = IssuerReview(merchant=inicis, issuer_id="SAMSUNG", state="passed", requested_on=TODAY + timedelta(days=1))
        with pytest.raises(ValidationError, match="앞설 수 없습니다"):
            row.full_clean()


class TestPage:
    def test_says_that_no_card_can_be_paid_until_one_passed(self, page, inicis):
        assert "카드 결제를 받을 수 없습니다" in page(Merchant, inicis).content.decode()
        review(inicis, state=ReviewState.REVIEWING)
        assert "카드 결제를 받을 수 없습니다" in page(Merchant, inicis).content.decode()
        review(inicis, "SHINHAN", state=ReviewState.PASSED)
        text = page(Merchant, inicis).content.decode()
        assert "카드 결제를 받을 수 없습니다" not in text
        assert f"결제할 수 없는 카드사가 {CardIssuer.objects.count() - 1}곳" in text

    @pytest.mark.parametrize("changes", [{"mode": "test"}, {"gateway": "stripe", "mid": "acct_1"}])
    def test_is_silent_where_issuers_do_not_decide(self, page, changes):
        merchant = MerchantFactory(**{"gateway": "inicis", "mode": "live", "credentials": INICIS_KEYS, **changes})
        text = page(Merchant, merchant).content.decode()
        assert "카드 결제를 받을 수 없습니다" not in text
        assert "issuer-reviews" not in text

    def test_rows_are_changed_added_and_deleted(self, page, inicis):
        first, second = review(inicis), review(inicis, "SHINHAN")
        new = IssuerReview(issuer_id="HYUNDAI", state="requested")
        rows = [(first, {"state": "reviewing", "note": "서류 보완"}), (second, {"DELETE": "on"}), (new, {})]
        page(Merchant, inicis, formset(*rows))
        assert list(inicis.issuer_reviews.values_list("issuer", "state", "note")) == [
            ("SAMSUNG", "reviewing", "서류 보완"),
            ("HYUNDAI", "requested", ""),
        ]

    def test_wrong_dates_are_told_at_their_row(self, page, inicis):
        row = review(inicis, requested_on=TODAY)
        text = page(Merchant, inicis, formset((row, {"decided_on": "2026-03-01"}))).content.decode()
        assert "결정일은 신청일보다 앞설 수 없습니다." in text

    def test_same_issuer_twice_is_refused(self, page, inicis):
        row, twice = review(inicis), IssuerReview(issuer_id="SAMSUNG", state="passed")
        page(Merchant, inicis, formset((row, {}), (twice, {})))
        assert inicis.issuer_reviews.get().state == "requested"


class TestButtons:
    def test_all_issuers_are_added_as_requested_today(self, page, inicis):
        passed = review(inicis, state=ReviewState.PASSED, decided_on=date(2026, 1, 5))
        answer = page(Merchant, inicis, formset((passed, {}), _add_issuers="1"))
        assert inicis.issuer_reviews.count() == CardIssuer.objects.count()
        assert (
            inicis.issuer_reviews.filter(state="requested", requested_on=TODAY).count()
            == CardIssuer.objects.count() - 1
        )
        assert answer.redirect_chain[-1][0].endswith("/change/#issuer-reviews")

    def test_chosen_ones_pass_today_and_the_rest_is_saved_too(self, page, inicis):
        rows = [review(inicis, code, requested_on=date(2026, 2, 1)) for code in ("SAMSUNG", "SHINHAN", "HYUNDAI")]
        chosen = [rows[0].pk, rows[2].pk]
        data = formset(*[(row, {}) for row in rows], _pass_issuers="1", chosen_reviews=chosen, note="심사 완료")
        page(Merchant, inicis, data)
        states = dict(inicis.issuer_reviews.values_list("issuer", "state"))
        assert states == {"SAMSUNG": "passed", "SHINHAN": "requested", "HYUNDAI": "passed"}
        assert set(inicis.issuer_reviews.filter(state="passed").values_list("decided_on", flat=True)) == {TODAY}
        inicis.refresh_from_db()
        assert inicis.note == "심사 완료"

    def test_second_review_that_passed_has_the_new_day(self, page, inicis):
        row = review(inicis, state=ReviewState.AGAIN, requested_on=date(2026, 1, 1), decided_on=date(2026, 1, 9))
        page(Merchant, inicis, formset((row, {}), _pass_issuers="1", chosen_reviews=[row.pk]))
        row.refresh_from_db()
        assert (row.state, row.decided_on) == ("passed", TODAY)

    def test_one_that_cannot_have_passed_is_named(self, page, inicis):
        row = review(inicis, requested_on=timezone.localdate() + timedelta(days=1))
        text = page(Merchant, inicis, formset((row, {}), _pass_issuers="1", chosen_reviews=[row.pk])).content.decode()
        assert "삼성: 결정일은" in text
        row.refresh_from_db()
        assert row.state == "requested"

    @pytest.mark.parametrize("odd", ["", "x", "\0", "-1", "9" * 30, "٣"])
    def test_odd_choices_choose_nothing(self, page, inicis, odd):
        others = review(MerchantFactory(gateway="inicis", mid="other", mode="live", credentials=INICIS_KEYS))
        row = review(inicis)
        page(Merchant, inicis, formset((row, {}), _pass_issuers="1", chosen_reviews=[odd, others.pk]))
        assert not IssuerReview.objects.filter(state="passed").exists()
