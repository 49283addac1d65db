"""To which addresses a buyer may be sent back."""

import pytest

from bridge.redirects import is_allowed_url

HOSTS = ["shop.example", "m.shop.example:8443", "xn--bj0bj06e.example", "127.0.0.1", "localhost:3000"]


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example",
        "https://shop.example/thanks?order=1&x=//evil.example#done",
        "https://shop.example:443/",
        "HTTPS://SHOP.EXAMPLE/Thanks",
        "https://Shop.Example/",
        "https://shop.example/주문/감사?이름=홍길동",
        "https://shop.example/a@b",
        "https://shop.example/%2e%2e/%0d%0a",
        "https://m.shop.example:8443/",
        "https://xn--bj0bj06e.example/",
        "https://127.0.0.1/",
        "http://127.0.0.1:9000/shop/thanks",
        "http://localhost:3000/",
    ],
)
def test_an_address_on_the_list_is_allowed(url):
    assert is_allowed_url(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example/",
        "//shop.example/",
        "/thanks",
        "thanks",
        "?order=1",
        "shop.example/thanks",
        "https:/shop.example/",
        "https:shop.example",
        "https:///shop.example/",
        "https://",
        "https://evil.example/?https://shop.example/",
        "https://evil.example#shop.example",
        "https://shop.example.evil.example/",
        "https://evilshop.example/",
        "https://sub.shop.example/",
        "https://shop.example./",
        "https://user@shop.example/",
        "https://user:password@shop.example/",
        "https://shop.example@evil.example/",
        "https://shop.example%40evil.example/",
        "https://@shop.example/",
        "https://evil.example\\@shop.example/",
        "https://shop.example\\.evil.example/",
        "https:\\\\shop.example/",
        "https://shop.example/\\evil.example",
        "javascript:alert(1)",
        "javascript://shop.example/%0aalert(1)",
        "data:text/html,x",
        "file://shop.example/etc/passwd",
        "ftp://shop.example/",
        "http://shop.example/",
        "https://shop.example:8443/",
        "https://shop.example:80/",
        "https://shop.example:99999/",
        "https://shop.example:4x3/",
        "https://m.shop.example/",
        "https://m.shop.example:443/",
        "http://m.shop.example:8443/",
        "http://localhost:3001/",
        "http://localhost/",
        "https://shop%2eexample/",
        "https://shop%2Eexample/",
        "https://evil.example%2eshop.example/",
        "https://shop.example%00.evil.example/",
        "https://sh\top.example/",
        "https://shop.example/\n",
        "https://shop.example/a b",
        " https://shop.example/",
        "\x00https://shop.example/",
        "https://shop.example/\x7f",
        "https://쇼핑몰.example/",
        "https://ｓhop.example/",
        "https://\u212ahop.example/",
        "https://shop\u3002example/",
        "https://shop.example\u2215.evil.example/",
        "https://shop.example\uff0fevil.example/",
        "https://[::1/",
        "https://[shop.example]/",
        "http://127.1/",
        "http://0x7f.0.0.1/",
        "http://2130706433/",
        "",
    ],
)
def test_an_address_that_is_not_or_only_seems_so_is_refused(url):
    assert not is_allowed_url(url, HOSTS)


def test_a_name_that_folds_into_one_on_the_list_is_refused():
    assert not is_allowed_url("https://\u212ashop.example/", ["kshop.example"])
    assert is_allowed_url("https://Kshop.example/", ["kshop.example"])


def test_an_empty_list_allows_nothing():
    assert not is_allowed_url("https://shop.example/", [])
