"""The addresses of PGB: generous to those who call them, and known by name."""

import pytest
from django.urls import resolve, reverse


@pytest.mark.parametrize(
    ("name", "args", "address"),
    [
        ("pay-start", [], "/PGB/PayStart"),
        ("webhook", ["stripe", "token"], "/PGBReturn/Webhook/stripe/token"),
        ("admin:index", [], "/admin/"),
    ],
)
def test_names_lead_to_addresses(name, args, address):
    assert reverse(name, args=args) == address


@pytest.mark.parametrize("address", ["/PGB/PayStart", "/PGB/PayStart/", "/pgb/paystart", "/PGB/PAYSTART/"])
def test_letter_case_and_a_last_slash_make_no_difference(address):
    assert resolve(address).url_name == "pay-start"


def test_a_token_keeps_its_letter_case():
    assert resolve("/pgbreturn/WEBHOOK/stripe/AbC").kwargs == {"gateway": "stripe", "token": "AbC"}
