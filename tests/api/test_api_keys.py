"""API keys: made and revoked in the admin and by the command, shown once."""

import datetime
import hashlib
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from products.api_keys import KEY, ApiKey, Scope
from tests.reading import messages_of

LIST = "/admin/products/apikey/"
ADD = LIST + "add/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(django_user_model):
    return django_user_model.objects.create(username="ada", is_staff=True)


@pytest.fixture
def made(owner):
    return ApiKey.objects.make(name="till", user=owner, scopes=[Scope.WRITE])


def shown_in(response):
    """The only key that a page shows, however often."""
    [key] = set(KEY.findall(response.content.decode()))
    return key


def run(*arguments):
    out, err = StringIO(), StringIO()
    call_command("api_key", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


# The model


def test_the_database_has_the_hash_of_a_key_and_not_the_key(made):
    [row] = ApiKey.objects.values()

    assert KEY.fullmatch(made.key)
    assert row["hash"] == hashlib.sha256(made.key.encode()).hexdigest()
    assert row["prefix"] == made.key[:11]
    assert made.key[11:] not in str(row)
    assert ApiKey.objects.get().key == ""


def test_two_keys_differ(owner):
    keys = [ApiKey.objects.make(name="a", user=owner, scopes=["read"]) for _ in "12"]

    assert len({made.key for made in keys}) == 2


def test_a_key_without_scope_is_refused(owner):
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.make(name="till", user=owner, scopes=[])


def test_a_key_works_for_a_year(made):
    assert made.why_refused() == ""
    assert made.expires_at - timezone.now() > datetime.timedelta(days=364)
    assert made.expires_at - timezone.now() < datetime.timedelta(days=366)


def test_a_key_without_end_never_expires(owner):
    made = ApiKey.objects.make(name="till", user=owner, scopes=["read"], days=None)

    assert made.expires_at is None
    assert made.why_refused() == ""


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({"revoked_at": timezone.now()}, "revoked", "was revoked"),
        (
            {"expires_at": datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC)},
            "expired",
            "expired on 2026-01-31",
        ),
    ],
    ids=["revoked", "expired"],
)
def test_a_key_that_works_no_more_says_why(made, changes, state, reason):
    ApiKey.objects.update(**changes)
    key = ApiKey.objects.get()

    assert key.state == state
    assert reason in key.why_refused()


def test_a_key_ends_with_the_account_of_its_owner(made, owner):
    owner.is_active = False
    owner.save()

    assert ApiKey.objects.get().state == "owner inactive"
    assert "owner" in ApiKey.objects.get().why_refused()


def test_a_use_is_written_down_once_a_minute(made, django_assert_num_queries):
    ApiKey.objects.get().note_use()
    used = ApiKey.objects.get()

    assert used.last_used_at is not None
    with django_assert_num_queries(0):
        used.note_use()
    ApiKey.objects.update(last_used_at=timezone.now() - datetime.timedelta(minutes=2))
    ApiKey.objects.get().note_use()
    assert timezone.now() - ApiKey.objects.get().last_used_at < datetime.timedelta(
        minutes=1
    )


def test_a_late_standby_does_not_turn_back_the_last_use(made):
    late = ApiKey.objects.get()
    now = timezone.now()
    ApiKey.objects.update(last_used_at=now)

    late.note_use()

    assert ApiKey.objects.get().last_used_at == now


# The admin

FORM = {"name": "till", "scopes": ["read", "write"], "days": "30"}


def test_the_admin_shows_a_new_key_once(admin_client):
    answer = admin_client.post(ADD, FORM)
    key = shown_in(answer)
    made = ApiKey.objects.get()

    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert ApiKey.objects.with_hash(hashlib.sha256(key.encode()).hexdigest()) == made
    assert (made.name, made.scopes) == ("till", ["read", "write"])
    assert made.user.username == "admin"
    for page in (LIST, f"{LIST}{made.pk}/change/", "/admin/"):
        shown = admin_client.get(page).content.decode()
        assert key[11:] not in shown


def test_a_new_key_is_in_no_message_cookie_session_or_log(admin_client):
    answer = admin_client.post(ADD, FORM)
    key = shown_in(answer)

    kept = messages_of(answer)
    kept += [
        *map(str, admin_client.cookies.values()),
        str(admin_client.session.items()),
    ]
    kept += [str(entry) for entry in LogEntry.objects.values()]

    assert LogEntry.objects.get().object_repr == f"till ({key[:11]}…)"
    assert key[11:] not in "".join(kept)


def test_a_key_can_be_made_without_end(admin_client):
    admin_client.post(ADD, FORM | {"days": ""})

    assert ApiKey.objects.get().expires_at is None


@pytest.mark.parametrize("wrong", [{"days": "0"}, {"scopes": ["all"]}, {"scopes": []}])
def test_a_wrong_form_makes_no_key(admin_client, wrong):
    answer = admin_client.post(ADD, FORM | wrong)

    assert "errorlist" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_the_page_of_a_key_changes_nothing(admin_client, made):
    page = f"{LIST}{made.pk}/change/"

    assert "till" in admin_client.get(page).content.decode()
    assert admin_client.post(page, FORM | {"name": "other"}).status_code == 403
    assert ApiKey.objects.get().hash == made.hash


def test_a_clerk_sees_and_revokes_only_keys_of_their_own(log_in, made):
    client = log_in("add", "view", "change", model="apikey")
    client.post(ADD, FORM | {"name": "mine"})
    page = client.get(LIST).content.decode()
    keys = [key.pk for key in ApiKey.objects.all()]

    assert "mine" in page
    assert "till" not in page
    client.post(LIST, {"action": "revoke_selected", "_selected_action": keys})
    assert ApiKey.objects.get(name="mine").revoked_at
    assert not ApiKey.objects.get(name="till").revoked_at


def test_revoking_is_written_into_the_log_of_the_admin(admin_client, made):
    form = {"action": "revoke_selected", "_selected_action": [made.pk]}
    admin_client.post(LIST, form)
    admin_client.post(LIST, form)

    [entry] = LogEntry.objects.all()
    assert entry.get_change_message() == "Revoked."


def test_making_a_key_needs_the_permission(log_in):
    assert log_in("view", model="apikey").post(ADD, FORM).status_code == 403


# The command


def test_the_command_writes_a_new_key_alone_to_standard_output(owner):
    out, err = run("create", "till", "--user", "ada", "--scope=write", "--scope=read")
    key = out.strip()
    made = ApiKey.objects.get()

    assert KEY.fullmatch(key)
    assert made.hash == hashlib.sha256(key.encode()).hexdigest()
    assert (made.user, made.scopes) == (owner, ["read", "write"])
    assert key[11:] not in err
    assert "read, write" in err


def test_the_command_lists_keys_without_showing_them(made):
    out, _ = run("list")

    assert f"{made.prefix}: 'till' of ada; write; expires 20" in out
    assert "; valid; never used" in out
    assert made.key not in out


def test_the_command_revokes_a_key(made):
    run("revoke", made.prefix)

    assert ApiKey.objects.get().revoked_at
    with pytest.raises(CommandError, match="revoked before"):
        run("revoke", made.prefix)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["create", "till", "--user", "bob", "--scope", "read"], "no user 'bob'"),
        (["create", "till", "--user", "ada", "--scope", "all"], "invalid choice"),
        (["create", "till", "--user", "ada"], "--scope"),
        (["create", "", "--user", "ada", "--scope=read"], "1 to 100"),
        (["create", "a", "--user", "ada", "--scope=read", "--days=-1"], "1 to 3650"),
        (["revoke", "vs_nothing"], "No API key begins with 'vs_nothing'"),
        ([], "ACTION"),
    ],
)
def test_a_wrong_command_line_gets_advice(owner, arguments, problem):
    with pytest.raises(CommandError, match=problem):
        run(*arguments)


@pytest.mark.parametrize("name", ["till\n", "\x1b[31mtill", "ti\u202ell"])
def test_a_name_that_cannot_be_printed_is_refused(owner, name, admin_client):
    with pytest.raises(CommandError, match="cannot be printed"):
        run("create", name, "--user", owner.username, "--scope", "read")
    page = admin_client.post(
        "/admin/products/apikey/add/", {"name": f"a{name}b", "scopes": ["read"]}
    )

    assert "cannot be printed" in page.text
    assert not ApiKey.objects.exists()
