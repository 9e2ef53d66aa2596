"""Many products in one request: an import of JSON Lines."""

import gzip
import io
import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import translation

from products.admin_pages.log import log_text
from products.api import batches, bodies
from products.api_keys import ApiKey
from products.embeddings import get_backend
from products.models import Product
from products.sql.own_session import OwnSessionError
from tests.factory import axis, make_product

pytestmark = pytest.mark.django_db

BATCH = "/api/v1/products:batch"
JSONL = "application/jsonl"


@pytest.fixture
def owner(django_user_model):
    return django_user_model.objects.create(username="ada")


@pytest.fixture
def api(owner, settings):
    """A client that sends a key with the scope `write`."""
    settings.OPEN_CATALOG = True
    made = ApiKey.objects.make(name="till", user=owner, scopes=["write"])
    return Client(
        enforce_csrf_checks=True, headers={"Authorization": f"Bearer {made.key}"}
    )


def send(api, *lines, address=BATCH, content_type=JSONL):
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return api.post(address, "\n".join(texts), content_type=content_type)


def send_from(api, body, length):
    """The answer to a request that says it sends so many bytes, read from a file."""
    extra = {"CONTENT_LENGTH": str(length), "wsgi.input": body}
    return api.generic("POST", BATCH, CONTENT_TYPE=JSONL, **extra)


def lamp(**values):
    return {"sku": "lamp", "name": "Lamp", "price": "1.00", **values}


def counts(answer):
    assert answer.status_code == 200
    names = ("read", "new", "changed", "unchanged", "refused", "without_vector")
    return tuple(answer.json()[name] for name in names)


def test_products_are_added_and_changed(api):
    make_product(sku="chair", name="Chair", category="Home", price="5.00")
    make_product(sku="table", name="Table", price="7.00")

    answer = send(
        api,
        lamp(),
        {"sku": "chair", "price": 6},
        {"sku": "table", "name": "Table", "price": "7.00"},
    )

    assert counts(answer) == (3, 1, 1, 1, 0, 1)
    assert answer.json()["refusals"] == []
    chair = Product.objects.get(sku="chair")
    assert (str(chair.price), chair.category) == ("6.00", "Home")
    assert Product.objects.get(sku="lamp").embedding is None


def test_lines_are_refused_as_an_import_refuses_them(api):
    answer = send(
        api, lamp(price="1,5"), lamp(), "{", lamp(), {"sku": "new", "price": 1}
    )

    assert counts(answer) == (5, 1, 0, 0, 4, 1)
    reasons = {r["line"]: r["reason"] for r in answer.json()["refusals"]}
    assert [*reasons] == [1, 3, 4, 5]
    assert "price: '1,5' has a comma" in reasons[1]
    assert "is not JSON" in reasons[3]
    assert "sku: 'lamp' is on line 2 too" in reasons[4]
    assert "is not in the catalogue" in reasons[5]
    assert [*Product.objects.values_list("sku", flat=True)] == ["lamp"]


def test_a_number_of_too_many_digits_is_refused_in_own_words(api):
    answer = send(api, '{"sku": "lamp", "price": ' + 5000 * "9" + "}")

    assert [r["reason"] for r in answer.json()["refusals"]] == [
        "has a number with too many digits"
    ]


def test_names_that_no_product_has_are_said(api):
    odd = {f"odd {number:02}": 1 for number in range(30)}
    answer = send(api, lamp(colour="red", prise=1, embedding=None), lamp(colour="red"))

    assert answer.json()["ignored"] == ["colour", "prise"]
    assert len(send(api, lamp(**odd)).json()["ignored"]) == 20
    assert send(api, lamp()).json()["ignored"] == []


def test_a_batch_twice_changes_nothing_more(api):
    send(api, lamp())

    assert counts(send(api, lamp())) == (1, 0, 0, 1, 0, 1)


def test_a_vector_of_the_recipe_in_force_is_taken(api):
    recipe = get_backend().fingerprint
    send(api, lamp(embedding=axis(3), embedding_fingerprint=recipe))

    assert list(Product.objects.get().embedding) == axis(3)


def test_a_dry_run_stores_nothing(api):
    answer = send(api, lamp(), address=BATCH + "?dry_run=true")

    assert counts(answer) == (1, 1, 0, 0, 0, 1)
    assert not Product.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_another_media_type_is_refused(api, content_type):
    answer = send(api, lamp(), content_type=content_type)

    assert answer.status_code == 415
    assert "application/jsonl" in answer.json()["detail"]


def test_what_curl_sends_by_default_is_refused_too(api):
    form = "application/x-www-form-urlencoded"

    assert send(api, lamp(), content_type=form).status_code == 415


def test_a_packed_body_is_refused(api):
    packed = gzip.compress(json.dumps(lamp()).encode())

    assert api.post(BATCH, packed, content_type=JSONL).status_code == 415


def test_an_empty_body_is_refused(api):
    answer = api.generic("POST", BATCH, CONTENT_TYPE=JSONL, CONTENT_LENGTH="0")

    assert answer.status_code == 400
    assert "empty" in answer.json()["detail"]


def test_a_body_in_chunks_is_refused(api):
    headers = {"Transfer-Encoding": "chunked"}

    answer = api.generic("POST", BATCH, CONTENT_TYPE=JSONL, headers=headers)

    assert answer.status_code == 411
    assert "Content-Length" in answer.json()["detail"]


@pytest.mark.parametrize("length", ["", "abc", "-1", "²", 5000 * "9"])
def test_a_length_that_is_no_number_is_refused(api, length):
    answer = api.generic("POST", BATCH, "{}", JSONL, CONTENT_LENGTH=length)

    assert answer.status_code == 411


@pytest.mark.parametrize(
    "sent", [b"", b'{"sku": "lamp", "name": "Lamp", "price": 1}\n']
)
def test_nothing_is_stored_of_a_body_that_ends_too_early(api, sent):
    answer = send_from(api, io.BytesIO(sent), 500)

    assert answer.status_code == 400
    assert answer.json()["detail"] == (
        f"The body ended after {len(sent)} of 500 bytes. Nothing of it was stored. "
        "Send it again."
    )
    assert not Product.objects.exists()


def test_a_client_that_hangs_up_has_stored_nothing(api):
    class Lost(io.BytesIO):
        def read(self, *args):
            raise OSError("gone")

    assert send_from(api, Lost(), 500).status_code == 400


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lines_are_counted_as_they_are_read(api, monkeypatch, end, encoding):
    monkeypatch.setattr(bodies, "MAX_LINES", 2)
    lines = [json.dumps(lamp(sku=f"lamp {number}")) for number in range(3)]

    def post(lines):
        return api.post(BATCH, end.join(lines).encode(encoding), content_type=JSONL)

    assert post(lines).status_code == 413
    assert not Product.objects.exists()
    assert counts(post(lines[:2]))[:2] == (2, 2)


@pytest.mark.parametrize(("name", "value"), [("MAX_BYTES", 120), ("MAX_LINES", 2)])
def test_nothing_is_stored_of_a_batch_that_is_too_large(api, monkeypatch, name, value):
    monkeypatch.setattr(bodies, name, value)
    lines = [lamp(sku=f"lamp {number}") for number in range(4)]

    answer = send(api, *lines)

    assert answer.status_code == 413
    assert "Nothing of this one was stored" in answer.json()["detail"]
    assert not Product.objects.exists()
    assert counts(send(api, *lines[:2]))[:2] == (2, 2)


def test_an_answer_shows_the_first_refusals_and_counts_all(api, monkeypatch):
    monkeypatch.setattr(batches, "MOST_REFUSALS", 1)

    answer = send(api, "{", "{")

    assert answer.json()["refused"] == 2
    assert [refusal["line"] for refusal in answer.json()["refusals"]] == [1]


def test_a_large_batch_counts_as_several_requests(api, settings, monkeypatch):
    monkeypatch.setattr(batches, "LINES_PER_REQUEST", 2)
    settings.API_RATE_KEY = 100

    answer = send(api, *(lamp(sku=f"lamp {number}") for number in range(5)))

    assert answer.headers["RateLimit"] == '"key";r=97;t=60'


def test_one_batch_is_stored_at_a_time(api, monkeypatch):
    monkeypatch.setattr(batches, "WAIT_SECONDS", 0.01)

    with batches.TURNS.taken(seconds=0):
        answer = send(api, lamp())

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert counts(send(api, lamp()))[:2] == (1, 1)


def test_a_body_that_comes_slowly_keeps_no_other_batch_waiting(api):
    taken = []

    class Slow(io.BytesIO):
        def read(self, *args):
            taken.append(batches.TURNS.inside)
            return super().read(*args)

    body = json.dumps(lamp()).encode()
    answer = send_from(api, Slow(body), len(body))

    assert counts(answer)[:2] == (1, 1)
    assert taken and set(taken) == {0}


def test_behind_a_pooler_that_cannot_be_passed_by_it_says_so(api, monkeypatch):
    def run(job):
        raise OwnSessionError("Set DB_DIRECT_PORT.")

    monkeypatch.setattr(batches.CatalogImport, "run", run)

    answer = send(api, lamp())

    assert answer.status_code == 503
    assert "Set DB_DIRECT_PORT" in answer.json()["detail"]


@pytest.mark.parametrize("missing", ["add_product", "change_product"])
def test_a_batch_needs_both_permissions(api, owner, settings, missing):
    settings.OPEN_CATALOG = False
    both = Permission.objects.filter(codename__in=["add_product", "change_product"])
    owner.user_permissions.set(both.exclude(codename=missing))
    refused = send(api, lamp())
    owner.user_permissions.set(both)

    assert refused.status_code == 403
    assert f"products.{missing}" in refused.json()["detail"]
    assert counts(send(api, lamp()))[:2] == (1, 1)


def test_a_session_sends_no_batch(admin_client):
    assert send(admin_client, lamp()).status_code == 401


def test_the_admin_s_log_has_one_entry_of_a_batch(api):
    send(api, lamp(), "{")
    key = ApiKey.objects.get()

    entry = LogEntry.objects.get()
    assert entry.user.username == "ada"
    assert log_text(entry) == (
        f"Imported by the API key {key}: 1 new, 0 changed, 1 refused"
    )
    with translation.override("de"):
        assert log_text(entry) == (
            f"Mit dem API-Schlüssel {key} importiert: 1 neu, 0 geändert, 1 abgelehnt"
        )
