"""Work that costs much: how many do it at once, and who is refused."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from products.turns import BusyError, Turns


def test_who_waits_too_long_is_refused():
    turns = Turns(1)

    with turns.taken(seconds=0), pytest.raises(BusyError), turns.taken(seconds=0.01):
        pytest.fail("Two had the only turn.")

    with turns.taken(seconds=0):
        pass


def test_two_may_work_where_two_turns_are_given():
    turns = Turns(2)

    with (
        turns.taken(seconds=0),
        turns.taken(seconds=0),
        pytest.raises(BusyError),
        turns.taken(seconds=0.01),
    ):
        pytest.fail("Three had the two turns.")


def test_a_full_queue_refuses_at_once():
    turns = Turns(1, waiting=1)

    def wait():
        with turns.taken(seconds=30):
            return "worked"

    with ThreadPoolExecutor(1) as threads:
        with turns.taken(seconds=0):
            waiting = threads.submit(wait)
            while turns.inside < 2:
                pass
            started = time.monotonic()
            with pytest.raises(BusyError), turns.taken(seconds=30):
                pytest.fail("The queue was full.")
            assert time.monotonic() - started < 20
        assert waiting.result(30) == "worked"
