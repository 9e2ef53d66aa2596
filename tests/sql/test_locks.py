"""A lock that gives way: what is taken back, and when it is tried again."""

import psycopg
import pytest
from django.db import connection

from products.models import Product
from products.sql import locks
from products.sql.locks import LockedError, keep_trying, try_once
from tests.factory import make_product

pytestmark = pytest.mark.django_db(transaction=True)


def lock_after_writing():
    make_product(name="Lamp")
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
    return "done"


@pytest.fixture
def reader():
    """Another connection that reads the products until its transaction ends."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT FROM products")
        yield other


def test_a_busy_table_takes_back_what_was_done(reader):
    with pytest.raises(LockedError, match="lock timeout"):
        try_once(lock_after_writing, timeout="10ms", using="default")

    assert not Product.objects.exists()


def test_it_is_tried_again_until_the_lock_is_free(reader, monkeypatch):
    monkeypatch.setattr(locks.time, "sleep", lambda seconds: reader.commit())

    done = keep_trying(lock_after_writing, timeout="10ms", seconds=60, using="default")

    assert done == "done"
    assert Product.objects.count() == 1


def test_it_gives_up_after_a_while(reader):
    with pytest.raises(LockedError):
        keep_trying(lock_after_writing, timeout="10ms", seconds=0, using="default")
