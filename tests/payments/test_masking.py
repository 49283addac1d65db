"""What staff may see of a person."""

import pytest

from payments.admin import masking


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"name": "홍길동"}, {"name": "홍*동"}),
        ({"name": "홍길"}, {"name": "홍*"}),
        ({"name": "홍"}, {"name": "홍*"}),
        ({"name": "John Smith"}, {"name": "J***h"}),
        ({"tel": "010-9876-1234"}, {"tel": "010-****-1234"}),
        ({"tel": "01098761234"}, {"tel": "010-****-1234"}),
        ({"tel": "1234"}, {"tel": "****"}),
        ({"email": "hong.gildong@example.com"}, {"email": "h***@example.com"}),
        ({"email": "no address"}, {"email": "****"}),
        ({"birthday": "1990-01-02"}, {"birthday": "****"}),
        ({"name": ""}, {}),
    ],
)
def test_of_a_buyer_enough_is_shown_to_recognise_a_caller(data, shown):
    assert masking.buyer(data) == shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Invalid email: hong.gildong@example.com", "Invalid email: h***@example.com"),
        ("tel 010-9876-1234, 01098761234", "tel 010-****-1234, 010-****-1234"),
        ("전화010-9876-1234로", "전화010-****-1234로"),
        ("+82 10-9876-1234", "821-****-1234"),
        ("900102-1234567", "90****-*******"),
        ("card 4242 4242 4242 4242.", "card ****4242."),
        ('{"OrderId": 70001, "TotalPrice": "64900"}', '{"OrderId": 70001, "TotalPrice": "64900"}'),
        ("01M802C5Y88T6WSSNME30XG78R", "01M802C5Y88T6WSSNME30XG78R"),
        ("fdd6d8ff-279c-489b-a840-575403429060", "fdd6d8ff-279c-489b-a840-575403429060"),
        ("2026-11-22 05:37:06", "2026-11-22 05:37:06"),
    ],
)
def test_numbers_and_addresses_of_persons_are_hidden_in_what_others_wrote(words, shown):
    assert masking.text(words) == shown
