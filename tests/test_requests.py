"""Requests that cannot be read get a page, whatever charset or body they bring."""

from encodings.aliases import aliases

import pytest

from tests.serving import ask
from vectorshop.requests import is_read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("same_connection")]

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
BROKEN = b'--x\r\nContent-Disposition: form-data; name="a"'
# All that Python knows, and some that it does not.
CHARSETS = sorted(
    {*aliases.values(), "zip", "rot13", "idna", "punycode", "undefined", "utf-8-sig"}
    | {"unicode_escape", "raw_unicode_escape", "nonsense", 5000 * "x", "..", "é"}
)


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", '"utf-8"', "us-ascii", "U8"])
def test_utf_8_is_read_by_any_of_its_names(charset):
    body = b"name=Lamp&price=3&preview=1"

    got, page = ask("GET", "/", f"text/plain; charset={charset}")
    posted, refused = ask(
        "POST", "/products/add/", f"{FORM}; charset={charset}", body, cookie=""
    )

    assert got == 200
    assert 'value="x"' in page
    assert (posted, "This form has expired" in refused) == (403, True)


@pytest.mark.parametrize("how", ["charset={}", "charset*={}''x"])
def test_every_other_charset_is_a_bad_request(how):
    others = [name for name in CHARSETS if not is_read(name)]

    pages = {
        (name, method): ask(method, "/", f"{type}; {how.format(name)}", body)
        for name in others
        for method, type, body in [("GET", "text/plain", b""), ("POST", FORM, b"a=1")]
    }

    assert len(others) > 90
    assert {status for status, _ in pages.values()} == {400}
    assert all("could not read that request" in page for _, page in pages.values())


@pytest.mark.parametrize("path", ["/", "/judge/", "/nothing/", "/admin/login/"])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=", b"--x"),
        (f"multipart/form-data; boundary={300 * 'x'}", b"--x"),
        ("multipart/form-data; boundary=é", b"--x"),
        ("multipart/form-data; boundary*=zip''x", b"--x"),
        (f"{MULTIPART}; charset=zip", BROKEN),
        (f"{FORM}; charset=big5", b"a=1"),
        (FORM, 1001 * b"a=1&"),
        (FORM, b"a=" + 3_000_000 * b"1"),
        ("text/plain; \0", b""),
    ],
    ids=str,
)
def test_a_broken_form_is_a_bad_request(path, content_type, body):
    status, page = ask("POST", path, content_type, body)

    assert status == 400
    assert "could not read that request" in page


def test_a_form_whose_sender_has_gone_is_a_bad_request(monkeypatch):
    def gone(*args):
        raise OSError("Connection reset by peer")

    monkeypatch.setattr("django.core.handlers.wsgi.LimitedStream.read", gone)

    status, page = ask("POST", "/", FORM, b"a=1")

    assert status == 400
    assert "could not read that request" in page


def test_the_page_speaks_the_visitors_language(client):
    response = client.get(
        "/",
        headers={"accept-language": "de", "content-type": "text/plain; charset=big5"},
    )

    assert response.status_code == 400
    assert 'lang="de"' in response.content.decode()
