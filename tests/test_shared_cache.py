"""The cache of several web servers, on a real Redis server."""

import shutil
import socket
import subprocess
import time

import pytest
from django.core.cache import caches
from django.test import override_settings

from products.synonyms import Synonym, version
from tests.factory import make_product
from tests.serving import free_port
from vectorshop.env import env_url
from vectorshop.shared_cache import SharedCache

SECONDS = 30  # more than a slow machine needs

pytestmark = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="apt-get install redis-server"
)


@pytest.fixture
def redis(tmp_path):
    """A Redis server that keeps nothing on disk; stop it by its kill()."""
    port = free_port()
    with subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--dir", tmp_path],
        stdout=subprocess.DEVNULL,
    ) as process:
        process.url = f"redis://127.0.0.1:{port}/0"
        wait_for(port)
        yield process
        process.kill()


def wait_for(port):
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def web_server(url):
    """A cache as one of several web servers has it."""
    return SharedCache(url, {"OPTIONS": {"socket_connect_timeout": 1}})


def test_web_servers_share_what_one_has_computed(redis):
    one, other = web_server(redis.url), web_server(redis.url)

    one.set("map", {"points": [1, 2]})
    one.set_many({"a": 1, "b": 2})
    seen = other.get("map"), other.get_many(["a", "b", "c"])
    other.delete("map")

    assert seen == ({"points": [1, 2]}, {"a": 1, "b": 2})
    assert one.get("map", "gone") == "gone"
    assert (one.add("a", 3), one.add("c", 3)) == (False, True)


def test_nothing_is_found_while_the_server_is_away(redis, caplog):
    cache = web_server(redis.url)
    cache.set("map", 1)
    redis.kill()
    redis.wait()

    found = cache.get("map", "else"), cache.get_many(["map"]), cache.add("map", 2)
    cache.set("map", 2)

    assert found == ("else", {}, False)
    assert cache.get_or_set("map", lambda: "made again") == "made again"
    assert cache.set_many({"a": 1}) == ["a"]
    assert "The shared cache does not answer" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("is_away", [False, True])
def test_pages_are_served_with_the_shared_cache_and_without_it(client, redis, is_away):
    make_product(name="Red lamp", sku="red-lamp")
    settings = {
        "default": {
            "BACKEND": "vectorshop.shared_cache.SharedCache",
            "LOCATION": redis.url,
        }
    }
    if is_away:
        redis.kill()
        redis.wait()

    with override_settings(CACHES=settings):
        pages = [client.get(path) for path in ("/?q=red+lamp", "/?q=red+lamp", "/map/")]
        is_stored = caches["default"].get_many([f"synonyms-{'default'}"]) != {}

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert "<mark>lamp</mark>" in pages[0].content.decode()
    assert is_stored != is_away


@pytest.mark.django_db
def test_a_changed_synonym_counts_on_all_web_servers(redis):
    settings = {
        "default": {
            "BACKEND": "vectorshop.shared_cache.SharedCache",
            "LOCATION": redis.url,
        }
    }
    with override_settings(CACHES=settings):
        before = version("default")
        Synonym.objects.create(words=["sofa"], finds=["couch"])

        assert web_server(redis.url).get("synonyms-default") is None
        assert version("default") != before


@pytest.mark.parametrize("value", ["localhost:6379", "http://:secret@cache/"])
def test_an_address_of_no_cache_is_refused_without_showing_it(monkeypatch, value):
    monkeypatch.setenv("CACHE_URL", value)

    with pytest.raises(Exception, match="begins with one of redis://") as error:
        env_url("CACHE_URL", ("redis", "rediss"))

    assert value not in str(error.value)
