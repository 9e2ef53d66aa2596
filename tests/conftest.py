"""Fixtures shared by the tests."""

import pytest

from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.samples import load_sample_products


class BrokenBackend(BaseEmbeddingBackend):
    """Fails like a model that cannot be loaded."""

    model = "broken"

    def vectors(self, texts):
        raise EmbeddingError("The model is broken. Repair it.")


@pytest.fixture
def real_model(settings):
    settings.EMBEDDING_BACKEND = "products.embeddings.fastembed.EmbeddingBackend"


@pytest.fixture
def broken_model(settings):
    settings.EMBEDDING_BACKEND = "tests.conftest.BrokenBackend"


@pytest.fixture
def samples(db):
    load_sample_products()


@pytest.fixture
def admin_client(client, django_user_model):
    """A superuser without password: hashing one takes longer than most tests."""
    user = django_user_model.objects.create(
        username="admin", is_staff=True, is_superuser=True
    )
    client.force_login(user)
    return client
