"""A shop with two standbys: which of them answers, and what a fault of one changes."""

import pytest

from tests.db.test_outage import running_shop
from tests.db.test_replicas import (
    ROUNDS,
    add,
    answered_by,
    environment,
    execute,
    servers,
    visitor,
    wait_until,
)

BOTH = {"replica1", "replica2"}


@pytest.fixture(scope="module")
def three():
    with servers(standbys=2) as clusters:
        for standby in clusters[1:]:
            # How often a standby looks for a primary that is away.
            execute(standby, "ALTER SYSTEM SET wal_retrieve_retry_interval = '200ms'")
            execute(standby, "SELECT pg_reload_conf()")
        yield clusters


@pytest.fixture(scope="module")
def address(three):
    with running_shop(environment(*three)) as address:
        yield address


@pytest.fixture
def client(three, address):
    """A visitor of the shop, with all three servers fit before the test and after it."""
    with visitor(address) as client:
        wait_until(lambda: who_answer(client) == BOTH)
        yield client
        for cluster in three:
            if not cluster.answers():
                cluster.start()
        for standby in three[1:]:
            execute(standby, "SELECT pg_wal_replay_resume()")
        wait_until(lambda: who_answer(client) == BOTH)


def who_answer(client):
    """Return who answers four requests; none may fail, whatever is broken."""
    pages = [client.get("/") for _ in range(4)]
    assert {page.status_code for page in pages} == {200}
    return {page.headers["X-Answered-By"] for page in pages}


def stop(cluster):
    cluster.stop()


def make_late(standby):
    """Let a standby no longer replay what it receives."""
    execute(standby, "SELECT pg_wal_replay_pause()")


def test_standbys_that_are_fit_take_turns(client):
    answers = [answered_by(client) for _ in range(6)]

    assert sorted(answers[:2]) == ["replica1", "replica2"]
    assert answers == 3 * answers[:2]


# What breaks, of the primary and the two standbys, and who answers then.
FAULTS = {
    "first-stopped": ([None, stop, None], {"replica2"}),
    "second-late": ([None, None, make_late], {"replica1"}),
    "one-stopped-one-late": ([None, stop, make_late], {"default"}),
    "both-stopped": ([None, stop, stop], {"default"}),
    "primary-stopped": ([stop, None, None], BOTH),
    "primary-and-first-stopped": ([stop, stop, None], {"replica2"}),
}


@pytest.mark.parametrize(("faults", "expected"), FAULTS.values(), ids=FAULTS)
def test_who_answers_when_a_server_is_unfit(client, three, request, faults, expected):
    for fault, cluster in zip(faults, three, strict=True):
        if fault:
            fault(cluster)
    if make_late in faults:
        assert add(client, f"Table {request.node.name}").status_code == 302
        client.cookies.clear()  # somebody else, who wrote nothing

    wait_until(lambda: who_answer(client) == expected)

    assert who_answer(client) == expected


def test_who_wrote_is_never_answered_by_the_late_one(client, three):
    make_late(three[1])

    seen = []
    for number in range(ROUNDS // 10):
        written = add(client, f"Cupboard number {number}")
        page = client.get(written.headers["Location"])
        seen.append((page.status_code, page.headers["X-Answered-By"]))

    assert {status for status, _ in seen} == {200}
    assert {alias for _, alias in seen} <= {"replica2", "default"}
