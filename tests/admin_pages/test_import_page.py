"""The admin's import: upload, preview, confirmation, refused rows, the log."""

import gzip
import io
import json
import os
import re
import shutil
import time
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from products.admin_pages import import_form, upload as kept_upload
from products.models import Product
from tests.factory import make_product
from tests.search_log.logs import searched

LIST = "/admin/products/product/"
IMPORT = LIST + "import/"
REFUSED = IMPORT + "refused/"

CATALOG = "sku,name,category,description,price\n"

OPTION = re.compile(r"(?<![\w-])--[a-z]")  # of a command

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uploads(monkeypatch, tmp_path):
    """Where uploads wait for their confirmation."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def upload(client, content, name="catalog.csv", **data):
    content = content.encode() if isinstance(content, str) else content
    return client.post(IMPORT, {"file": SimpleUploadedFile(name, content), **data})


def confirm(client, response):
    return client.post(IMPORT, {"token": response.context["upload"].token})


def errors(response, field):
    return " ".join(response.context["form"].errors.get(field, []))


def download(client):
    return b"".join(client.get(REFUSED).streaming_content).decode()


# Upload, preview, confirmation


def test_an_export_of_all_is_imported_without_a_change(admin_client):
    products = [make_product(name=f"Größe {n}") for n in range(3)]

    selection = {"_selected_action": [products[0].pk], "select_across": "1"}
    response = admin_client.post(LIST, {"action": "export_jsonl", **selection})

    content = b"".join(response.streaming_content)
    assert len([json.loads(line) for line in content.splitlines()]) == 3
    result = upload(admin_client, content, "p.jsonl").context["preview"].result
    assert (result.new, result.changed, result.unchanged) == (0, 0, 3)


def test_the_preview_shows_what_would_happen_and_changes_nothing(admin_client):
    make_product(sku="same", name="Same", price="1")
    make_product(sku="dearer", name="Dearer", price="1")
    lines = ["same,Same,,,1", "dearer,Dearer,,,2", "new,New,,,3", 'bad,Bad,,,"1,5"']

    response = upload(admin_client, CATALOG + "\n".join(lines))

    preview, page = response.context["preview"], response.content.decode()
    result = preview.result
    assert (result.new, result.changed, result.unchanged, result.refused) == (1,) * 4
    assert [(c.line, c.columns) for c in preview.changed] == [(3, ("price",))]
    assert [row.line for row in preview.refused] == [5]
    assert "has a comma: write it with a point" in page
    assert Product.objects.filter(price__gt=1).count() == 0


def test_the_confirmed_import_is_that_of_the_preview(admin_client, uploads):
    make_product(sku="lamp", name="Lamp", price="1")
    preview = upload(admin_client, CATALOG + "lamp,Lamp,,,2\nnew,New,,,3\nbad,,,,1\n")
    [kept] = uploads.glob("*/catalogue")

    response = confirm(admin_client, preview)

    prices = dict(Product.objects.values_list("sku", "price"))
    assert prices == {"lamp": 2, "new": 3}
    assert Product.objects.fresh().count() == 2
    imported, refused = said(response)[:2]
    assert imported == "Imported 2 products: 1 new, 1 changed, 0 unchanged."
    assert refused.startswith(f'Rows refused: 1. <a href="{REFUSED}">')
    assert not kept.exists()


def test_the_kept_upload_is_private_and_old_ones_go(admin_client, uploads):
    old = uploads / f"{kept_upload.PREFIX}old"
    old.mkdir()
    os.utime(old, (0, 0))

    upload(admin_client, CATALOG + "a,A,,,1\n")
    upload(admin_client, CATALOG + "b,B,,,1\nbad,,,,1\n")

    [folder] = uploads.iterdir()
    assert "b,B" in (folder / "catalogue").read_text()
    assert sorted(file.name for file in folder.iterdir()) == [
        "catalogue",
        "refused.csv",
    ]
    assert folder.stat().st_mode & 0o077 == 0


def test_only_the_preview_at_hand_is_confirmed(admin_client):
    first = upload(admin_client, CATALOG + "a,A,,,1\n")
    upload(admin_client, CATALOG + "b,B,,,1\n")

    response = confirm(admin_client, first)

    assert said(response) == ["This preview is no longer kept. Upload it again."]
    assert not Product.objects.exists()


def test_an_upload_that_another_server_keeps_is_reported(admin_client, uploads):
    preview = upload(admin_client, CATALOG + "a,A,,,1\n")
    [folder] = uploads.iterdir()
    shutil.rmtree(folder)

    response = confirm(admin_client, preview)

    assert "not kept on this server" in said(response)[0]


def test_the_preview_and_the_import_read_the_file_in_the_same_way(admin_client):
    header = "Artikel|Titel|Art|Text|Preis|sku|name|category|description|price\n"
    row = "m1|Größe €|Tassen|rund|2.50|no|no|no|no|1\n"
    columns = {
        "column_sku": "Artikel",
        "column_name": "TITEL",
        "column_category": "Art",
        "column_description": "Text",
        "column_price": "Preis",
    }

    preview = upload(
        admin_client,
        (header + row).encode("cp1252"),
        "list.txt",
        format="csv",
        delimiter="|",
        encoding="cp1252",
        **columns,
    )
    confirm(admin_client, preview)

    seen, stored = preview.context["preview"].new[0].row, Product.objects.get()
    for product in (seen, stored):
        assert (product.sku, product.name) == ("m1", "Größe €")
        assert (product.category, product.description) == ("Tassen", "rund")
        assert str(product.price) == "2.50"


def test_the_keys_of_json_are_mapped_in_any_case(admin_client):
    content = json.dumps(
        [{"Title": "Lamp", "Price": 1}, {"Title": "Mug", "price": 1, "title": "no"}]
    )

    confirm(admin_client, upload(admin_client, content, "a.json", column_name="TITLE"))

    assert Product.objects.get().name == "Lamp"


# What a preview and an import say


def test_the_preview_ends_at_its_limit_and_the_import_reads_all(
    admin_client, monkeypatch
):
    monkeypatch.setattr(import_form, "PREVIEW_ROWS", 2)
    rows = "".join(f"m{number},Mug,,,1\n" for number in range(5))

    preview = upload(admin_client, CATALOG + rows)
    confirm(admin_client, preview)

    assert "The preview ended after 2 rows." in preview.content.decode()
    assert preview.context["preview"].result.read == 2
    assert Product.objects.count() == 5


def test_the_preview_ends_when_its_time_is_up(admin_client, monkeypatch):
    monkeypatch.setattr(import_form, "PREVIEW_SECONDS", -1.0)

    preview = upload(admin_client, CATALOG + "a,A,,,1\n")

    assert "The preview ended after 0 rows." in preview.content.decode()
    assert 'value="Import catalog.csv"' in preview.content.decode()


def test_a_preview_below_its_limit_says_nothing_of_it(admin_client):
    preview = upload(admin_client, CATALOG + "a,A,,,1\n")

    assert "The preview ended" not in preview.content.decode()


def test_deep_json_is_refused(admin_client):
    response = upload(admin_client, "[" * 200_000, "deep.json")

    assert "deep.json: item 1 nests deeper than 20 levels" in errors(response, "file")


def test_nothing_is_said_of_embeddings_when_none_is_missing(admin_client):
    response = confirm(admin_client, upload(admin_client, CATALOG + "a,A,,,1\n"))

    assert said(response) == [
        "Imported 1 product: 1 new, 0 changed, 0 unchanged.",
        "Embedded 1 product.",
    ]


def test_what_is_not_embedded_in_time_is_said(admin_client, monkeypatch):
    monkeypatch.setattr("products.admin_pages.embeddings.MAX_PRODUCTS", 1)
    monkeypatch.setattr(
        "products.embeddings.deterministic.EmbeddingBackend.batch_size", 1
    )

    response = confirm(
        admin_client, upload(admin_client, CATALOG + "a,A,,,1\nb,B,,,1\nc,C,,,1\n")
    )

    assert said(response)[1:] == [
        "Embedded 1 product.",
        "2 products are not embedded yet, so they are found by their words only. The "
        "page Embeddings goes on with them.",
    ]


def test_columns_that_are_not_in_the_file_stay(admin_client):
    make_product(sku="fan", name="Fan", category="Home", description="Quiet", price="2")

    preview = upload(admin_client, "sku,price\nfan,3\nnew,1\n")
    confirm(admin_client, preview)

    product = Product.objects.get()
    assert (product.name, product.category, product.description, product.price) == (
        "Fan", "Home", "Quiet", 3,
    )  # fmt: skip
    assert "'new' is not in the catalogue; for a new product" in download(admin_client)


def test_an_export_of_another_shop_is_said_and_can_be_refused(admin_client):
    content = "id,title,price,link\n4.00638E+12,Mug,5 USD,https://example.com\n"

    seen = upload(admin_client, content)
    page = seen.content.decode()
    response = confirm(admin_client, seen)
    refused = upload(admin_client, content, preset="none")

    assert "read as an export of Google Merchant." in page
    assert "A spreadsheet has rounded them." in page
    assert any("has rounded them" in message for message in said(response))
    assert Product.objects.get().name == "Mug"
    assert "no column &#x27;name&#x27;" in refused.content.decode()


def test_the_quoting_is_that_of_the_preview(admin_client):
    content = 'sku\tname\tprice\n1\t"A"\t1\n'

    for quoting, name in (("", '"A"'), ("csv", "A")):
        confirm(admin_client, upload(admin_client, content, "a.tsv", quoting=quoting))

        assert Product.objects.get().name == name


# Refused rows

REFUSALS = (
    "line,reason,row\r\n"
    '3,name: This field cannot be blank.,"bad,,,,1"\r\n'
    "4,\"price: '1,5' has a comma: write it with a point and nothing else, such as "
    '1234.50","bad2,""Größe"",,,""1,5"""\r\n'
)


def test_the_refused_rows_are_downloaded_before_and_after_the_import(admin_client):
    rows = 'a,A,,,1\nbad,,,,1\nbad2,"Größe",,,"1,5"\n'

    preview = upload(admin_client, CATALOG + rows, "Größe.csv")
    before = download(admin_client)
    confirm(admin_client, preview)
    response = admin_client.get(REFUSED)

    assert f'href="{REFUSED}"' in preview.content.decode()
    assert before == REFUSALS
    assert b"".join(response.streaming_content).decode() == REFUSALS
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "Gr%C3%B6%C3%9Fe.csv.rejects.csv" in response["Content-Disposition"]
    assert "no-store" in response["Cache-Control"]


def test_the_refused_rows_are_those_of_the_command(admin_client, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(CATALOG.encode() + b'm1,"M\n",,,x\n"m2,,,,1\nm3,M,,,1\nm3,M,,,1\n')
    with pytest.raises(CommandError, match="were refused"):
        call_command("import_products", path, stdout=io.StringIO())

    upload(admin_client, path.read_bytes(), "a.csv")

    assert download(admin_client) == Path(f"{path}.rejects.csv").read_bytes().decode()


def test_rows_that_only_the_database_refuses_are_downloaded(admin_client):
    preview = upload(admin_client, CATALOG + "a,A,,,1\nb,B,,,2\n")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE products ADD CHECK (price < 2)")

    confirm(admin_client, preview)

    assert list(Product.objects.values_list("sku", flat=True)) == ["a"]
    assert 'violates check constraint ""products_price_check' in download(admin_client)


def test_only_the_refused_rows_are_kept_after_an_import(admin_client, uploads):
    confirm(admin_client, upload(admin_client, CATALOG + "a,A,,,1\nbad,,,,1\n"))

    [folder] = uploads.iterdir()
    assert [file.name for file in folder.iterdir()] == ["refused.csv"]
    assert f'href="{REFUSED}"' in admin_client.get(IMPORT).content.decode()


def test_an_import_is_confirmed_once(admin_client):
    preview = upload(admin_client, CATALOG + "a,A,,,1\nbad,,,,1\n")
    confirm(admin_client, preview)

    for token in (preview.context["upload"].token, ""):
        response = admin_client.post(IMPORT, {"token": token})

        assert said(response)[-1] == "This preview is no longer kept. Upload it again."


def test_nothing_is_kept_of_an_import_without_refused_rows(admin_client, uploads):
    confirm(admin_client, upload(admin_client, CATALOG + "a,A,,,1\n"))

    assert not list(uploads.iterdir())
    assert REFUSED not in admin_client.get(IMPORT).content.decode()


def no_longer(client):
    """What is said where there are no refused rows to download."""
    response = client.get(REFUSED)
    assert (response.status_code, response["Location"]) == (302, IMPORT)
    return said(response)[-1]


def test_refused_rows_that_are_gone_are_reported(admin_client, uploads):
    assert "not kept on this server, or no longer" in no_longer(admin_client)

    upload(admin_client, CATALOG + "a,A,,,1\n")
    assert "not kept on this server, or no longer" in no_longer(admin_client)

    upload(admin_client, CATALOG + "bad,,,,1\n")
    shutil.rmtree(next(uploads.iterdir()))
    assert "not kept on this server, or no longer" in no_longer(admin_client)
    assert REFUSED not in admin_client.get(IMPORT).content.decode()


def test_refused_rows_are_kept_for_an_hour(admin_client, uploads):
    confirm(admin_client, upload(admin_client, CATALOG + "bad,,,,1\n"))
    [folder] = uploads.iterdir()
    ago = time.time() - kept_upload.KEEP_SECONDS
    os.utime(folder, (ago + 60, ago + 60))
    assert "bad,,,,1" in download(admin_client)
    os.utime(folder, (ago - 60, ago - 60))

    assert "no longer" in no_longer(admin_client)
    assert "download them as CSV" not in admin_client.get(IMPORT).content.decode()

    upload(admin_client, CATALOG + "a,A,,,1\n")

    assert not folder.exists()


@pytest.mark.parametrize("page", [IMPORT, REFUSED])
def test_looking_at_a_page_deletes_nothing(admin_client, uploads, page):
    confirm(admin_client, upload(admin_client, CATALOG + "bad,,,,1\n"))
    [folder] = uploads.iterdir()
    os.utime(folder, (0, 0))

    admin_client.get(page)

    assert (folder / "refused.csv").exists()


def test_a_file_of_the_same_name_is_not_an_upload(admin_client, uploads):
    other = uploads / f"{kept_upload.PREFIX}other"
    other.write_text("somebody's")
    os.utime(other, (0, 0))

    upload(admin_client, CATALOG + "a,A,,,1\n")

    assert other.read_text() == "somebody's"


def test_an_hour_begins_with_the_confirmation(admin_client, uploads, monkeypatch):
    preview = upload(admin_client, CATALOG + "a,A,,,1\n")
    [folder] = uploads.iterdir()
    almost = time.time() - kept_upload.KEEP_SECONDS + 60
    os.utime(folder, (almost, almost))
    changed = []

    def write(*args, **kwargs):
        changed.append(folder.stat().st_mtime)

    monkeypatch.setattr("products.catalog.writing.write", write)
    confirm(admin_client, preview)

    assert changed[0] > almost + 60


def test_logging_out_deletes_what_is_kept(admin_client, uploads):
    upload(admin_client, CATALOG + "bad,,,,1\n")

    admin_client.post("/admin/logout/")

    assert not list(uploads.iterdir())


def test_the_refused_rows_are_for_the_one_who_imported(admin_client, log_in):
    upload(admin_client, CATALOG + "bad,,,,1\n")
    colleague = log_in("view", "add", "change")
    colleague.cookies.clear()
    colleague.force_login(get_user_model().objects.get(username="clerk"))

    assert "no longer" in no_longer(colleague)


@pytest.mark.parametrize("permissions", [(), ("view", "add"), ("view", "change")])
def test_the_refused_rows_need_the_permission_to_import(log_in, permissions):
    assert log_in(*permissions).get(REFUSED).status_code == 403


def test_the_permission_is_asked_again_for_the_download(log_in):
    client = log_in("add", "change")
    upload(client, CATALOG + "bad,,,,1\n")
    get_user_model().objects.get(username="clerk").user_permissions.clear()

    assert client.get(REFUSED).status_code == 403


def test_visitors_are_asked_to_log_in_for_the_refused_rows(client):
    assert client.get(REFUSED)["Location"].startswith("/admin/login/")


def test_a_disk_that_is_full_of_refused_rows_is_reported(admin_client, monkeypatch):
    preview = upload(admin_client, CATALOG + "bad,,,,1\n")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("products.catalog.rejects_file.Rejects.add", fail)
    confirmed = confirm(admin_client, preview)
    previewed = upload(admin_client, CATALOG + "bad,,,,1\n")

    for message in (said(confirmed)[0], errors(previewed, "file")):
        assert "cannot keep the refused rows: [Errno 28] No space left" in message


# The log


def recent(client, **options):
    """The admin's recent actions, as they are shown."""
    page = client.get("/admin/", **options).content.decode()
    return page[page.index('id="recent-actions-module"') :]


def test_an_import_is_among_the_recent_actions(admin_client):
    make_product(sku="lamp", name="Lamp", price="1")
    rows = "lamp,Lamp,,,2\na,A,,,3\nb,B,,,3\nbad,,,,1\n"
    preview = upload(admin_client, CATALOG + rows, "products.csv")
    assert not LogEntry.objects.exists()

    confirm(admin_client, preview)

    entry = LogEntry.objects.get()
    assert "Imported products.csv: 2 new, 1 changed, 1 refused" in recent(admin_client)
    assert entry.user == get_user_model().objects.get()
    assert entry.content_type.model_class() is Product
    german = recent(admin_client, headers={"accept-language": "de"})
    assert "products.csv importiert: 2 neu, 1 geändert, 1 abgelehnt" in german


def test_the_log_shows_an_import_that_failed(admin_client, monkeypatch):
    preview = upload(admin_client, CATALOG + "a,A,,,1\n")

    def gone(*args, **kwargs):
        raise OperationalError("the connection was lost")

    monkeypatch.setattr("products.catalog.writing.write", gone)
    confirm(admin_client, preview)

    entry = LogEntry.objects.get()
    says = "Imported catalog.csv: 0 new, 0 changed, 0 refused; it did not finish"
    assert says in recent(admin_client)
    assert "the connection was lost" in entry.change_message


def test_a_long_name_leaves_the_counts_in_the_log(admin_client):
    confirm(
        admin_client, upload(admin_client, CATALOG + "a,A,,,1\n", "x" * 240 + ".csv")
    )

    assert "…: 1 new, 0 changed, 0 refused" in recent(admin_client)


@pytest.mark.parametrize("in_memory", [0, 2**20], ids=["on disk", "in memory"])
def test_a_packed_file_is_unpacked(admin_client, settings, in_memory):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = in_memory
    content = gzip.compress((CATALOG + "a,A,,,1\n").encode())

    confirm(admin_client, upload(admin_client, content, "catalog.csv.gz"))

    assert Product.objects.get().sku == "a"


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_a_large_file_is_for_the_command(admin_client, monkeypatch, uploads, packed):
    monkeypatch.setattr(import_form, "MAX_BYTES", 1000)
    content = b"x" * 1001

    response = upload(admin_client, gzip.compress(content) if packed else content)

    assert "manage.py import_products FILE" in errors(response, "file")
    assert not list(uploads.iterdir())


@pytest.mark.parametrize(
    ("content", "name", "problem"),
    [
        (b"\x1f\x8bbroken", "a.csv.gz", "cannot be kept or unpacked"),
        (gzip.compress(b"name,price\n" * 99, mtime=0)[:-9], "a.csv.gz", "unpacked"),
        (b"", "a.csv", "empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported(
    admin_client, uploads, content, name, problem
):
    response = upload(admin_client, content, name)

    assert response.status_code == 200
    assert problem in errors(response, "file")
    assert not list(uploads.iterdir())


@pytest.mark.parametrize(
    ("content", "name", "data", "field", "problem"),
    [
        ("name\nLamp\n", "a.csv", {}, "column_price", "which one has the price"),
        ("name,price\n", "a.csv", {"column_sku": "No"}, "column_sku", "no column 'no'"),
        ("name;price\nLamp;1\n", "a.csv", {}, "delimiter", "Choose the semicolon"),
        ("{}", "a.json", {}, "format", "choose JSONL"),
        ("näme\n".encode("cp1252"), "a.csv", {}, "encoding", "again with its encoding"),
        ("name,price\n", "a.csv", {"encoding": "cp037"}, "encoding", "cannot be read"),
        ("name,price\n", "a.csv", {"encoding": "klingon"}, "encoding", "'klingon'"),
    ],
)
def test_what_another_choice_may_help_is_told_beside_its_field(
    admin_client, uploads, content, name, data, field, problem
):
    response = upload(admin_client, content, name, **data)

    page = response.content.decode()
    assert problem in errors(response, field)
    assert f'id="id_{field}_error"' in page
    assert f'for="id_{field}"' in page
    assert not OPTION.search(page)
    assert not list(uploads.iterdir())


def test_no_reason_of_a_refusal_names_an_option(admin_client):
    rows = [b"m1,M\xe4,,,1", b"m2,,,,1", b"m3,M,,", b'm4,"M" x,,,1', b"m5,M,,,x"]

    response = upload(admin_client, CATALOG.encode() + b"\n".join(rows))

    assert "again with its encoding, such as cp1252" in download(admin_client)
    assert len(response.context["preview"].refused) == 5
    assert not OPTION.search(response.content.decode())
    assert not OPTION.search(download(admin_client))


def test_messages_call_the_file_by_its_own_name(admin_client):
    response = upload(admin_client, "name,name\n", "lamps.csv")

    assert errors(response, "file").startswith("lamps.csv has two columns named name.")


def test_a_name_that_shows_no_format_is_reported(admin_client):
    response = upload(admin_client, "name,price\n", "list.txt")

    assert "The file name does not show the format" in str(
        response.context["form"].errors["format"]
    )


def test_a_server_that_cannot_keep_the_file_is_reported(admin_client, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/dev/null/nowhere")

    response = upload(admin_client, CATALOG + "a,A,,,1\n")

    assert "The server cannot keep the file" in errors(response, "file")


def test_rows_that_the_database_loses_are_reported(admin_client, monkeypatch):
    preview = upload(admin_client, CATALOG + "a,A,,,1\n")

    def gone(*args, **kwargs):
        raise OperationalError("the connection was lost\nsecond line")

    monkeypatch.setattr("products.catalog.writing.write", gone)
    response = confirm(admin_client, preview)

    assert said(response)[:2] == [
        "The database failed: the connection was lost. Import the same file again.",
        "Imported 0 products: 0 new, 0 changed, 0 unchanged.",
    ]
    levels = [message.tags for message in get_messages(response.wsgi_request)]
    assert "success" not in levels


@pytest.mark.usefixtures("broken_model")
def test_an_import_is_stored_though_the_model_is_broken(admin_client):
    response = confirm(admin_client, upload(admin_client, CATALOG + "a,A,,,1\n"))

    assert Product.objects.missing_embedding().get().sku == "a"
    assert "The model is broken. Repair it." in said(response)


@pytest.mark.parametrize("permission", ["add", "change", "view"])
def test_an_import_needs_permission_to_add_and_to_change(log_in, permission):
    client = log_in("view", permission)

    assert client.get(IMPORT).status_code == 403
    assert upload(client, CATALOG + "a,A,,,1\n").status_code == 403
    assert IMPORT not in client.get(LIST).content.decode()


# The searches that change


@pytest.mark.django_db(transaction=True)
def test_the_preview_shows_which_frequent_searches_change(admin_client, settings):
    settings.SEARCH_LOG = True
    for text in ("lamp", "chair", "table"):
        searched(text)
    make_product(sku="L1", name="Lamp", price="1", embedding=None)
    make_product(sku="C1", name="Chair", price="1", embedding=None)

    response = upload(admin_client, f"{CATALOG}C1,Lamp two,,,1\n")

    shown = response.context["preview"].searches
    found = {
        change.text: ([f.name for f in change.before], [f.name for f in change.after])
        for change in shown.impact.changed
    }
    assert found == {
        # The new text gets a vector, which the lamp that is there lacks.
        "lamp": (["Lamp"], ["Lamp two", "Lamp"]),
        "chair": (["Chair"], []),
    }
    page = response.content.decode()
    assert (
        "The first five of 2 of your 3 most frequent searches change; 1 will find "
        "nothing."
    ) in page
    assert "<li>Lamp two</li>" in page
    assert "<p>Nothing</p>" in page
    assert Product.objects.get(sku="C1").name == "Chair"


def test_a_shop_without_a_log_says_nothing_of_searches(admin_client):
    response = upload(admin_client, f"{CATALOG}C1,Lamp,,,1\n")

    assert response.context["preview"].searches is None
    assert "What visitors will find" not in response.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("broken_model")
def test_the_preview_says_why_the_searches_are_not_known(admin_client, settings):
    settings.SEARCH_LOG = True
    searched("lamp")

    response = upload(admin_client, f"{CATALOG}C1,Lamp,,,1\n")

    assert response.context["preview"].result.new == 1
    assert "Which searches change is not known:" in response.content.decode()
