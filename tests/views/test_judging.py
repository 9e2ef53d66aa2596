"""The staff's pages: who may judge, what is kept, what it says of the search."""

import pytest
from django.test import Client

from products.models import Judgement
from products.quality import steps
from products.quality.tuning import Bucket, Measurement
from products.views import judging
from tests.factory import make_product, near

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("method", "url"), [("get", "/quality/"), ("post", "/judge/")])
def test_only_the_staff_may_judge(client, django_user_model, method, url):
    assert getattr(client, method)(url).url.startswith("/admin/login/")

    client.force_login(django_user_model.objects.create_user("visitor"))

    assert getattr(client, method)(url).status_code == 403


def test_only_the_staff_is_asked_whether_a_result_is_relevant(client, admin_client):
    make_product(name="Desk lamp")

    assert "Relevant?" not in Client().get("/?q=lamp").content.decode()
    assert "Relevant?" in admin_client.get("/?q=lamp").content.decode()
    assert "Relevant?" not in admin_client.get("/").content.decode()


def test_the_last_judgement_of_a_result_counts(admin_client):
    product = make_product(name="Desk lamp")
    data = {"query": "lamp", "back": "q=lamp&mode=keyword"}

    admin_client.post("/judge/", data | {"irrelevant": product.pk})
    response = admin_client.post("/judge/", data | {"relevant": product.pk})

    judgement = Judgement.objects.get()
    assert (judgement.grade, judgement.user.username) == (1, "admin")
    assert response.url == "/?q=lamp&mode=keyword"
    page = admin_client.get(response.url).content.decode()
    assert page.count('aria-pressed="true"') == 1


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"query": "lamp"},
        {"query": "lamp", "relevant": "0"},
        {"query": "lamp", "relevant": "abc"},
        {"query": "a\0b", "relevant": "{pk}"},
        {"query": "x" * 1001, "relevant": "{pk}"},
    ],
)
def test_a_judgement_of_nothing_is_refused(admin_client, data):
    product = make_product()
    data = {name: value.format(pk=product.pk) for name, value in data.items()}

    response = admin_client.post("/judge/", data)

    assert response.status_code == 400
    assert not Judgement.objects.exists()


def test_the_page_back_is_always_the_shops_own(admin_client):
    product = make_product()

    response = admin_client.post(
        "/judge/",
        {"query": "x", "relevant": product.pk, "back": "//evil.example/\r\nX: 1"},
    )

    assert response.url.startswith("/?")
    assert "X" not in response.headers


def test_a_judgement_needs_the_csrf_token(admin_client):
    client = Client(enforce_csrf_checks=True)
    client.cookies = admin_client.cookies

    assert client.post("/judge/", {}).status_code == 403


def test_each_mode_is_measured_by_what_was_judged(admin_client):
    lamp = make_product(name="Desk lamp", embedding=near(0.9))
    other = make_product(name="Chair")
    Judgement.objects.create(query="lamp", product=lamp, grade=1)
    Judgement.objects.create(query="nothing", product=other, grade=0)

    response = admin_client.get("/quality/")

    reports = {report["label"]: report for report in response.context["reports"]}
    assert reports["Words"]["ndcg"].mean == 1
    assert response.context["judged"].without_relevant == ["nothing"]
    assert (
        "Judgements: 2, queries with a relevant product: 1."
        in response.content.decode()
    )


def test_without_judgements_the_page_says_how_to_begin(admin_client):
    page = admin_client.get("/quality/").content.decode()

    assert "press Yes or No" in page


def test_a_catalogue_too_small_for_tuning_is_reported(admin_client):
    page = admin_client.get("/quality/?tune=1").content.decode()

    assert "tuning needs 1,000" in page


def bucket_with(*recalls):
    measured = [
        Measurement(ef, recall, 1.0, 2.0)
        for ef, recall in zip(judging.EF_SEARCH, recalls, strict=True)
    ]
    return Bucket(1.0, 1.0, 9.0, measured, measured[0])


def test_the_recall_is_drawn(admin_client, monkeypatch):
    bucket = bucket_with(0.5, 0.5, 0.75, 1, 1)
    monkeypatch.setattr(steps, "tune", lambda *args, **kwargs: [bucket])

    page = admin_client.get("/quality/?tune=1").content.decode()

    assert 'points="48,232 134,232 220,140 306,48 392,48"' in page
    assert page.count(">0.50</td>") == 3 * 2  # once for each filter


def test_a_request_takes_one_step_and_the_page_goes_on(admin_client, monkeypatch):
    monkeypatch.setattr(steps, "STEP_SECONDS", 0)  # one measurement at a time
    for name in ("Lamp", "Chair"):
        product = make_product(name=name)
        Judgement.objects.create(query=name, product=product, grade=1)

    pages = [admin_client.get("/quality/") for _ in range(6)]

    # Two queries in three modes: a query counts once it is measured in all.
    assert [page.context["evaluated"].done for page in pages] == [0, 0, 1, 1, 1, 2]
    texts = [page.content.decode() for page in pages]
    assert "0 of 2 queries are measured so far." in texts[0]
    assert "1 of 2 queries are measured so far." in texts[2]
    assert 'href="/quality/" hx-get="/quality/" hx-trigger="load' in texts[4]
    assert "so far" not in texts[5]
    assert "Go on measuring" not in texts[5]


def test_the_recall_is_measured_filter_by_filter(admin_client, monkeypatch):
    asked = []
    bucket = bucket_with(0.5, 0.5, 0.75, 1, 1)
    monkeypatch.setattr(steps, "STEP_SECONDS", 0)
    monkeypatch.setattr(
        steps, "tune", lambda shares, **kwargs: asked.append(*shares) or [bucket]
    )

    pages = [admin_client.get("/quality/?tune=1") for _ in range(4)]

    assert asked == [1.0, 0.25, 0.05]
    goes_on = ["Go on measuring" in page.content.decode() for page in pages]
    assert goes_on == [True, True, False, False]
    assert 'hx-get="/quality/?tune=1"' in pages[0].content.decode()
