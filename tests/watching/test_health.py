"""/health/live and /health/ready: what they say, to whom, and without what."""

import socket

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from products.watching import health, statistics
from products.watching.statistics import Backlog

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept():
    health.kept.forget()
    yield
    health.kept.forget()


@pytest.fixture
def away(settings, monkeypatch):
    """Let the checks find a database that refuses."""

    def refuse(**options):
        raise health.Error("connection refused")

    monkeypatch.setattr(health, "installed_version", refuse)


def checks_named(lines):
    return {line.split(":")[0]: line.split(": ", 1)[1] for line in lines}


def test_a_process_that_lives_says_so_without_asking_anything(
    client, django_assert_num_queries
):
    with django_assert_num_queries(0):
        response = client.get("/health/live")

    assert (response.status_code, response.text) == (200, "live\n")


def test_a_shop_in_order_is_ready(client):
    response = client.get("/health/ready")

    assert (response.status_code, response.text) == (200, "ready\n")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Cache-Control"] == "no-store"


def test_a_probe_needs_no_name_no_https_and_gets_no_cookie(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["shop.example"]

    for address in ("/health/live", "/health/ready"):
        response = client.get(address, headers={"host": "10.0.0.7:8000"})
        assert response.status_code == 200
        assert not response.cookies
    assert client.get("/", headers={"host": "shop.example"}).status_code == 301


def test_what_fails_is_told_to_the_staff_alone(admin_client, away):
    staff = admin_client.get("/health/ready")
    visitor = Client().get("/health/ready")

    assert staff.status_code == visitor.status_code == 503
    assert visitor.text == "not ready\n"
    assert staff.text == "not ready\nDatabase: Unavailable: connection refused\n"


def test_a_visitor_who_is_signed_in_is_no_staff(client, django_user_model, away):
    client.force_login(django_user_model.objects.create(username="visitor"))

    assert client.get("/health/ready").text == "not ready\n"


def test_the_staff_is_not_known_while_no_session_can_be_read(
    admin_client, away, monkeypatch
):
    def refuse(*args, **options):
        raise health.Error("connection refused")

    monkeypatch.setattr(type(Session.objects), "get", refuse)

    assert admin_client.get("/health/ready").text == "not ready\n"


def test_a_database_that_never_answers_is_given_up_in_time(settings, monkeypatch):
    monkeypatch.setattr(health.Check, "timeout", health.timedelta(seconds=-0.9))
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def wait(**options):
            with socket.create_connection(silent.getsockname()) as connection:
                connection.settimeout(1)
                connection.recv(1)

        monkeypatch.setattr(health, "installed_version", wait)
        found = health.health()

    assert not found.ready
    assert found.lines() == ["Database: Unavailable: Timed out after -0.9 seconds"]


def test_an_answer_serves_all_who_ask_within_five_seconds(client, monkeypatch):
    asked = []
    version = health.installed_version

    def counted(**options):
        asked.append(1)
        return version(**options)

    monkeypatch.setattr(health, "installed_version", counted)
    for _ in range(3):
        client.get("/health/ready")
    assert len(asked) == 1

    health.kept.asked_at -= health.KEPT_SECONDS
    client.get("/health/ready")
    assert len(asked) == 2


def test_who_asks_while_the_checks_run_gets_the_last_answer(monkeypatch):
    meanwhile = []
    version = health.installed_version

    def ask_meanwhile(**options):
        meanwhile.append(health.health())
        return version(**options)

    monkeypatch.setattr(health, "installed_version", ask_meanwhile)
    first = health.health()
    health.kept.asked_at -= health.KEPT_SECONDS
    health.health()

    assert first.ready
    assert [answer.ready for answer in meanwhile] == [False, True]
    assert meanwhile[0].lines() == ["Database: Unavailable: The first checks run."]
    assert meanwhile[1] is first


def test_the_log_has_what_changes_without_a_traceback(monkeypatch, caplog):
    usable = iter([False, False, True, True])
    monkeypatch.setattr(health, "is_usable", lambda kind, using: next(usable))

    for _ in range(4):
        health.health()
        health.kept.asked_at -= health.KEPT_SECONDS

    warned, ended = caplog.records
    assert warned.getMessage().startswith("Health: Index: Warning: The vector index is")
    assert ended.getMessage() == "Health: All is in order again."
    assert warned.exc_info is None


@pytest.mark.parametrize("address", ["/health/live", "/health/ready"])
def test_probes_ask_by_get_and_head_alone(client, address):
    assert client.head(address).status_code == 200
    for ask in (client.post, client.delete, client.put, client.options):
        response = ask(address)
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("name", "replacement", "check", "said"),
    [
        (
            "installed_version",
            lambda **options: None,
            "Database",
            "Unavailable: pgvector is not enabled. Run manage.py migrate.",
        ),
        (
            "installed_version",
            lambda **options: (0, 7, 4),
            "Database",
            "Unavailable: pgvector is (0, 7, 4), and the shop needs 0.8.0. Run "
            "manage.py check --database default, which says what to do.",
        ),
    ],
    ids=["no pgvector", "old pgvector"],
)
def test_a_database_that_the_shop_cannot_work_with_is_a_fault(
    monkeypatch, name, replacement, check, said
):
    monkeypatch.setattr(health, name, replacement)

    found = health.health()

    assert not found.ready
    assert checks_named(found.lines()) == {check: said}


def test_a_migration_that_is_missing_is_a_fault(monkeypatch):
    monkeypatch.setattr(
        health.MigrationExecutor, "migration_plan", lambda self, targets: ["one", "two"]
    )

    found = health.health()

    assert not found.ready
    assert checks_named(found.lines())["Migrations"] == (
        "Unavailable: 2 migrations are not applied. Run manage.py migrate."
    )


def test_a_model_that_cannot_be_loaded_is_a_fault(settings):
    settings.EMBEDDING_BACKEND = "no.such.Backend"

    found = health.health()

    assert not found.ready
    assert checks_named(found.lines())["Model"].startswith(
        "Unavailable: EMBEDDING_BACKEND='no.such.Backend' cannot be imported"
    )


def test_without_an_index_pages_are_served_and_the_staff_is_warned(
    monkeypatch, admin_client
):
    monkeypatch.setattr(health, "is_usable", lambda kind, using: False)

    response = admin_client.get("/health/ready")

    assert response.status_code == 200
    assert "Index: Warning: The vector index is missing or not valid" in response.text


@pytest.mark.parametrize(("waiting", "warned"), [(10, False), (11, True)])
def test_from_a_tenth_of_the_products_on_their_vectors_are_missed(
    monkeypatch, waiting, warned
):
    backlog = Backlog(products=100, waiting=waiting, seconds=60.0)
    monkeypatch.setattr(health, "read_backlog", lambda using: backlog)

    found = health.health()

    assert found.ready
    assert ("wait for a vector" in checks_named(found.lines())["Embeddings"]) == warned


def test_a_standby_that_is_away_is_a_warning(monkeypatch):
    monkeypatch.setattr(health, "replica_aliases", lambda: ["replica1"])
    monkeypatch.setattr(
        health, "look_at", lambda alias: health_standby(alias, "no route to host")
    )

    found = health.health()

    assert found.ready
    assert "replica1 does not answer: no route to host" in "\n".join(found.lines())


def health_standby(alias, error):
    from vectorshop.db.standbys import Standby

    return Standby(alias, error=error)


def test_counting_what_waits_is_stopped_after_a_second(monkeypatch):
    monkeypatch.setattr(statistics, "COUNT_SECONDS", 0.05)
    monkeypatch.setattr(
        statistics.Product.objects.all().__class__, "backlog", slow_aggregate
    )

    assert statistics.counted_backlog("default") is None


def slow_aggregate(products):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(30)")
