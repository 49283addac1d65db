"""Files that cannot be read, and the command."""

import json
import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from config.local import DATA
from merchants.models import Merchant, MethodConnection, Shop
from merchants.provision import ProvisionError, apply, read
from tests.factories import (
    API_KEY,
    SIGNING_SECRET,
    STRIPE_CREDENTIALS,
)
from tests.merchants.provision_file import ENVIRONMENT

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must hold shops, merchants, connections"),
        ("[]", "must hold shops, merchants, connections"),
        ("shop: []", "shop: unknown key; did you mean shops?"),
        ("shops: {}", "shops: must be a list"),
        ("shops: KR1", "shops: must be a list"),
        ("shops: [KR1]", "shops[0]: must be names with values"),
        ("shops:\n- a: 1\n  a: 2", "line 3: the key 'a' stands twice"),
        ("shops: []\nshops: []", "line 2: the key 'shops' stands twice"),
        ("? [a]\n: b", "line 1: a key must be text"),
        ("shops: [}", "line 1: not YAML: expected the node content, but found '}'"),
        ("a: \x00", "holds characters that YAML does not allow"),
        ("!!python/object:os.system {}", None),
    ],
)
def test_wrong_yaml(problems, text, problem):
    found = problems(text)
    assert found == [problem] if problem else "could not determine a constructor" in found[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: not JSON: Expecting value"),
        ("{'a': 1}", "line 1: not JSON: Expecting property name enclosed in double quotes"),
        ('{"shops": [{"mid": 1,\n"mid": 2}]}', "the key 'mid' stands twice in one object"),
    ],
)
def test_wrong_json(problems, text, problem):
    assert problems(text, "pgb.json") == [problem]


def test_unreadable_files(tmp_path):
    with pytest.raises(ProvisionError, match="No such file"):
        read(tmp_path / "nothing.yaml", {})
    (tmp_path / "cp949.yaml").write_bytes("상점: []".encode("cp949"))
    with pytest.raises(ProvisionError, match="not UTF-8"):
        read(tmp_path / "cp949.yaml", {})


@pytest.mark.parametrize("replacing", [False, True])
def test_example_provisions(tmp_path, replacing):
    path = DATA.parent / "deploy" / "example.yaml"
    if replacing:  # the lines that stand there as comments
        text = re.sub(r"# (\w+_old: )", r"\1", path.read_text())
        path = tmp_path / "example.yaml"
        path.write_text(text)
    environment = {
        "KR1_API_KEY": API_KEY,
        "KR1_API_KEY_OLD": API_KEY + "-old",
        "KR1_SIGNING_SECRET": SIGNING_SECRET,
        "KR1_SIGNING_SECRET_OLD": "whsec_" + "b2xk" * 8,
        "STRIPE_KR_ACCOUNT": "acct_x",
        "STRIPE_KR_SECRET_KEY": STRIPE_CREDENTIALS["secret_key"],
        "STRIPE_KR_WEBHOOK_SECRET": STRIPE_CREDENTIALS["webhook_secret"],
        "STRIPE_KR_WEBHOOK_SECRET_OLD": SIGNING_SECRET,
        "STRIPE_KR_WEBHOOK_TOKEN": "token-token-token",
    }
    apply(read(path, environment))
    merchant, shop = Merchant.objects.get(), Shop.objects.get()
    assert (merchant.mid, merchant.webhook_token) == ("acct_x", "token-token-token")
    assert (shop.signing_secret_old is not None, "webhook_secret_old" in merchant.credentials) == (replacing, replacing)
    assert MethodConnection.objects.filter(merchant=merchant, connected=True, in_use=True).count() == 2


class TestCommand:
    def run(self, path):
        out, err = StringIO(), StringIO()
        try:
            call_command("provision", str(path), stdout=out, stderr=err)
        except CommandError as error:
            err.write(str(error))
        return out.getvalue(), err.getvalue()

    def test_takes_variables_from_the_environment(self, tmp_path, file, monkeypatch):
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        path = tmp_path / "pgb.json"
        path.write_text(json.dumps(file))
        out, err = self.run(path)
        assert out.splitlines()[1] == "merchant stripe-main: created"
        assert not err
        assert Merchant.objects.get().credentials == STRIPE_CREDENTIALS

    def test_names_the_file_and_the_place(self, tmp_path, file):
        path = tmp_path / "pgb.json"
        file["shops"][0]["complation_url"] = file["shops"][0].pop("completion_url")
        path.write_text(json.dumps(file | {"merchants": [], "connections": []}))
        out, err = self.run(path)
        assert not out
        assert err == (
            f"{path}: nothing was changed:\n"
            "  shops[0].complation_url: unknown key; did you mean completion_url?\n"
            "  shops[0].completion_url: missing"
        )

    def test_prints_no_secret(self, tmp_path, file, monkeypatch):
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        path = tmp_path / "pgb.json"
        printed = ""
        file["merchants"][0]["webhook_token"] = "token-token-token-token"
        for changes in ({}, {"currency": "???"}, {"api_key": "short"}, {"signing_secret": "whsec_short"}):
            path.write_text(json.dumps(file | {"shops": [file["shops"][0] | changes]}))
            printed += "".join(self.run(path))
        secrets = [API_KEY, SIGNING_SECRET, "whsec_short", "token-token", *STRIPE_CREDENTIALS.values()]
        assert not [secret for secret in secrets if secret in printed]
