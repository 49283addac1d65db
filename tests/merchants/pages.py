"""What the tests of the back office type, and what no page may show."""

from merchants.keys import hash_api_key
from tests.factories import (
    API_KEY,
    SIGNING_SECRET,
    STRIPE_CREDENTIALS,
)

NEW_KEY = "a-new-api-key-of-forty-characters-01234567"
NEW_SECRET = "whsec_" + "QUJDRA" * 8
SECRETS = [API_KEY, hash_api_key(API_KEY), SIGNING_SECRET, NEW_KEY, hash_api_key(NEW_KEY), NEW_SECRET]
SECRETS += STRIPE_CREDENTIALS.values()


def errors(answer):
    return {name: list(found) for name, found in answer.context["adminform"].form.errors.items()}
