"""Work that no request waits for."""

import os
import threading
import time

import pytest

from vectorshop.batches import Batches


class Kept(Batches[int]):
    """Keeps the batches that it is handed."""

    name = "kept"
    gather_seconds = 0.01
    most_waiting = 5
    batch = 2

    def __init__(self):
        super().__init__()
        self.batches = []

    def handle(self, batch):
        if 13 in batch:
            raise ValueError("thirteen")
        self.batches.append(batch)


@pytest.fixture
def kept(monkeypatch):
    """Batches that are handled when the test says so."""
    monkeypatch.setattr(Kept, "start", lambda self: None)
    return Kept()


def test_what_is_put_in_is_handled_in_batches_in_its_order(kept):
    for number in range(5):
        kept.put(number)
    kept.handle_all()

    assert kept.batches == [[0, 1], [2, 3], [4]]


def test_what_there_is_no_room_for_is_dropped_and_the_log_says_so_once(kept, caplog):
    for number in range(7):
        kept.put(number)
    kept.handle_all()
    kept.handle_all()

    assert kept.batches == [[0, 1], [2, 3], [4]]
    assert kept.dropped == 2
    assert [record.getMessage() for record in caplog.records] == [
        "The thread kept was too slow: 2 entries are lost since the process began."
    ]


def test_a_batch_that_fails_is_logged_and_the_next_is_handled(kept, caplog):
    for number in (13, 1, 2):
        kept.put(number)
    kept.handle_all()

    assert kept.batches == [[2]]
    assert "The thread kept lost 2 entries." in caplog.text
    assert "ValueError: thirteen" in caplog.text


def test_no_batch_is_begun_when_the_time_is_over(kept):
    kept.put(1)
    kept.handle_all(seconds=0)

    assert kept.batches == []


def test_a_thread_handles_by_itself_until_the_process_ends(monkeypatch):
    own = Kept()
    own.put(1)
    deadline = time.monotonic() + 60
    while not own.batches and time.monotonic() < deadline:
        time.sleep(0.01)

    assert own.batches == [[1]]
    assert not own.thread.daemon  # so a process that ends waits for it
    monkeypatch.setattr(threading.main_thread(), "is_alive", lambda: False)
    own.thread.join(60)
    assert not own.thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_begins_anew(kept):
    kept.put(1)
    child = os.fork()
    if not child:
        os._exit(0 if not kept.waiting and kept.thread is None else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(kept.take()) == 1
