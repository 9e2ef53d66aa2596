import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from products.management.commands.embed_products import Command
from products.models import DaySalt, LoggedEvent, LoggedQuery
from products.search_log import keeping
from products.upkeep.worker import Worker
from tests.search_log.logs import clicked, searched

pytestmark = pytest.mark.django_db


def days_ago(days):
    return timezone.now() - timedelta(days=days)


@pytest.fixture
def logged(settings):
    """A search with a click for each of three days, the settings keep 30 days."""
    settings.SEARCH_LOG_DAYS = 30
    for days, text in ((1, "table"), (29, "Lamp"), (31, "chair")):
        click = clicked(searched(text, timestamp=days_ago(days)), "sku", 1)
        LoggedEvent.objects.filter(pk=click.pk).update(timestamp=days_ago(days))
    for days in (0, 1):
        DaySalt.objects.create(day=days_ago(days).date(), salt=b"salt")


def kept():
    searches = LoggedQuery.objects.order_by("-timestamp")
    return list(searches.values_list("user_query", flat=True))


def test_what_is_old_is_deleted(logged, capsys):
    call_command("trim_search_log")

    assert kept() == ["table", "Lamp"]
    assert LoggedEvent.objects.count() == 2
    assert [salt.day for salt in DaySalt.objects.all()] == [timezone.now().date()]
    assert (
        "Deleted 2 searches and clicks older than 30 days." in capsys.readouterr().out
    )


def test_the_worker_deletes_what_is_old(logged, capsys):
    worker = Worker("default", 1, threading.Event(), report=print)

    assert "Deleted 2 old entries" in Command().look_after(worker)
    assert kept() == ["table", "Lamp"]
    assert Command().look_after(worker) is None


def test_a_text_is_deleted_however_it_was_written(logged, capsys):
    searched("lmap", query_attributes={"corrected": "lamp"})

    call_command("trim_search_log", text="LAMP")

    assert kept() == ["table", "chair"]
    assert "Deleted 2 searches." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (
            {"text": "john  smith"},
            ["Le café", "a. b", "axb", "johnsmith", "x John Smith"],
        ),
        (
            {"text": "Le cafe\u0301"},
            ["John   Smith", "a. b", "axb", "johnsmith", "x John Smith"],
        ),
        (
            {"text": "a. b"},
            ["John   Smith", "Le café", "axb", "johnsmith", "x John Smith"],
        ),
        ({"containing": " John smith "}, ["Le café", "a. b", "axb", "johnsmith"]),
        (
            {"containing": "."},
            ["John   Smith", "Le café", "axb", "johnsmith", "x John Smith"],
        ),
    ],
)
def test_blanks_and_the_form_of_unicode_do_not_count(options, left):
    for text in ("John   Smith", "Le café", "a. b", "axb", "johnsmith", "x John Smith"):
        searched(text)

    call_command("trim_search_log", **options)

    assert sorted(kept()) == sorted(left)


@pytest.mark.parametrize("option", ["text", "containing"])
@pytest.mark.parametrize("text", ["", " \u200b"])
def test_a_text_of_blanks_deletes_nothing(option, text):
    searched("")  # as SEARCH_LOG_TEXTS=false keeps it

    with pytest.raises(CommandError, match="more than blanks"):
        call_command("trim_search_log", **{option: text})

    assert kept() == [""]


def test_everything_is_deleted_in_batches(logged, monkeypatch, capsys):
    monkeypatch.setattr(keeping, "BATCH", 2)

    call_command("trim_search_log", all=True)

    assert (kept(), LoggedEvent.objects.count()) == ([], 0)
    assert "Deleted 6 searches and clicks." in capsys.readouterr().out
