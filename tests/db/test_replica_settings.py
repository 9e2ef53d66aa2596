"""DB_REPLICA_HOSTS: what it makes of the primary's entry, and what it refuses."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from vectorshop.db.replicas import replica_databases

PRIMARY = {
    "ENGINE": "vectorshop.db.entra",
    "HOST": "primary",
    "PORT": 5432,
    "NAME": "shop",
    "USER": "ada",
    "OPTIONS": {"sslmode": "verify-full", "target_session_attrs": "read-write"},
}
EMBEDDED = {
    "ENGINE": "vectorshop.db.embedded",
    "OPTIONS": {"data_dir": Path("/shop/.data/postgres")},
}


def test_a_standby_shares_all_but_its_address_and_its_patience():
    assert replica_databases(PRIMARY, ["standby"])["replica1"] == {
        **PRIMARY,
        "HOST": "standby",
        "OPTIONS": {
            "sslmode": "verify-full",
            "target_session_attrs": "any",
            "connect_timeout": 2,
            "tcp_user_timeout": 2000,
        },
        "TEST": {"MIRROR": "default"},
    }


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("b:6543", ("b", 6543)),
        ("10.0.0.7", ("10.0.0.7", 5432)),
        ("[fd00::7]:6543", ("fd00::7", 6543)),
        ("/var/run/postgresql", ("/var/run/postgresql", 5432)),
    ],
)
def test_a_host_may_bring_its_port(host, address):
    made = replica_databases(PRIMARY, ["a", host])["replica2"]

    assert (made["HOST"], made["PORT"]) == address


@pytest.mark.parametrize("host", ["b:0", "b:65536", "b:port", "fd00::7", "a:1:2"])
def test_what_is_no_address_is_refused(host):
    with pytest.raises(ImproperlyConfigured, match="neither a host nor host:port"):
        replica_databases(PRIMARY, [host])


def test_an_embedded_standby_is_a_folder_beside_the_primary():
    made = replica_databases(EMBEDDED, ["standby"])["replica1"]

    assert made["OPTIONS"] == {"data_dir": Path("/shop/.data/standby")}


@pytest.mark.parametrize("name", ["postgres", "../elsewhere", "host:5432"])
def test_another_folder_is_refused(name):
    with pytest.raises(ImproperlyConfigured, match="is not the name of a standby"):
        replica_databases(EMBEDDED, [name])
