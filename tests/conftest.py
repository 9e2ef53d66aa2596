"""Fixtures shared by the tests."""

import signal

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.template import engines
from django.template.backends.jinja2 import Template
from django.test.signals import template_rendered
from django.utils import translation
from jinja2 import StrictUndefined

from products import recipes
from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.models import Product
from products.samples import load_sample_products
from products.search import vocabulary, written_words
from products.sql.sharding import is_sharded
from tests.backends import AXES

# A shell has what it starts in the background ignore Ctrl-C, nohup has it ignore that the
# terminal is gone; and so would the commands that the tests interrupt.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class BrokenBackend(BaseEmbeddingBackend):
    """Fails like a model that cannot be loaded."""

    model = "broken"

    def vectors(self, texts):
        raise EmbeddingError("The model is broken. Repair it.")


@pytest.fixture(autouse=True, scope="session")
def watched_pages():
    """Let pages fail on names that their view forgot, and tests see their contexts."""
    engines["jinja2"].env.options["undefined"] = StrictUndefined
    render = Template.render

    def watched(self, context=None, request=None):
        given = dict(context or {})
        template_rendered.send(self, template=self.template, context=given)
        return render(self, context, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "render", watched)
        yield


@pytest.fixture(autouse=True, scope="module")
def without_dead_rows(request):
    """Begin each module without the rows that tests before it rolled back.

    Such rows stay in the table and in the HNSW index until a VACUUM: the planner would
    count them, and the index would return them first.
    """
    tests = [item for item in request.session.items if item.module is request.module]
    if any(t.get_closest_marker("django_db") or "db" in t.fixturenames for t in tests):
        request.getfixturevalue("django_db_setup")
        blocker = request.getfixturevalue("django_db_blocker")
        with blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE products")
            is_sharded("default")  # asked once a process, and counted by no test


@pytest.fixture(autouse=True)
def english():
    """Begin each test in English: a request leaves its language to the thread."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def empty_cache():
    """Begin each test without what others have left in the cache, or in the process."""
    cache.clear()
    vocabulary.forget()
    written_words.forget()
    recipes.forget()


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Wait for a turn, and go on measuring, however slow the machine is."""
    monkeypatch.setattr("products.search.query_vector.WAIT_SECONDS", 60)
    monkeypatch.setattr("products.insight.comparison.WAIT_SECONDS", 60)
    monkeypatch.setattr("products.quality.steps.STEP_SECONDS", 60)


@pytest.fixture
def same_connection(monkeypatch):
    """Let requests keep the test's connection, with its transaction, at their end."""
    monkeypatch.setattr("django.core.signals.request_started.receivers", [])
    monkeypatch.setattr("django.core.signals.request_finished.receivers", [])


@pytest.fixture
def media(settings, tmp_path):
    """An empty folder for uploaded pictures."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def real_model(settings):
    settings.EMBEDDING_BACKEND = "products.embeddings.onnx.EmbeddingBackend"


@pytest.fixture
def broken_model(settings):
    settings.EMBEDDING_BACKEND = "tests.conftest.BrokenBackend"


@pytest.fixture
def samples(db):
    load_sample_products()


@pytest.fixture
def by_hand(db, settings):
    """Products "lamp", "home", and one of all three words, each word an axis."""
    settings.EMBEDDING_BACKEND = AXES
    products = [
        Product(name="Lamp", price=1),
        Product(name="Home", price=1),
        Product(name="Lamp", category="Home", description="Bright", price=1, sku="hit"),
    ]
    for product in products:
        product.save()
    return products


@pytest.fixture
def admin_client(client, django_user_model):
    """A superuser without password: hashing one takes longer than most tests."""
    user = django_user_model.objects.create(
        username="admin", is_staff=True, is_superuser=True
    )
    client.force_login(user)
    return client


@pytest.fixture
def log_in(client, django_user_model):
    """Log in a clerk of the staff who may do *permissions* with products, or others."""

    def log_in(*permissions, model="product"):
        user = django_user_model.objects.create(username="clerk", is_staff=True)
        codenames = [f"{name}_{model}" for name in permissions]
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return log_in


@pytest.fixture(scope="module")
def browser():
    from tests.browser import chromium  # needs Playwright

    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, live_server):
    """A function that opens a page; at the end no page may have complained."""
    from tests.browser import visits

    with visits(browser, live_server.url) as visit:
        yield visit
