"""Every text of the pages can be translated, and the shipped catalogues are whole."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template import engines
from django.test import Client
from django.utils import translation
from jinja2.nodes import Call

from products.embeddings import get_backend
from products.models import Judgement, Product
from products.quality.tuning import Bucket, Measurement
from products.samples import load_sample_products, new_products
from products.views.judging import EF_SEARCH
from tests.factory import make_product

ROOT = Path(settings.BASE_DIR)
TRANSLATED = [code for code, _ in settings.LANGUAGES if code != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)[0-9]*[a-zA-Z]|%%|\{\w*\}|</?\w+>|--\w+|\w+\.py \w+")


def catalogue(code, ending="po", root=ROOT):
    """The entries of a language by context, text and plural."""
    path = root / "locale" / code / "LC_MESSAGES" / f"django.{ending}"
    read = polib.pofile if ending == "po" else polib.mofile
    return {
        (entry.msgctxt, entry.msgid, entry.msgid_plural): entry
        for entry in read(str(path))
    }


def texts(entry):
    return list(entry.msgstr_plural.values()) or [entry.msgstr]


# The catalogues


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_text_is_translated_with_all_its_placeholders(code):
    entries = catalogue(code).values()

    assert [e.msgid for e in entries if not e.translated()] == []
    for entry in entries:
        forms = {entry.msgid, entry.msgid_plural or entry.msgid}
        allowed = [sorted(PLACEHOLDER.findall(form)) for form in forms]
        for text in texts(entry):
            assert sorted(PLACEHOLDER.findall(text)) in allowed, text


@pytest.mark.parametrize("code", TRANSLATED)
def test_the_compiled_catalogue_is_that_of_the_source(code):
    source, compiled = catalogue(code), catalogue(code, "mo")

    assert {key: texts(entry) for key, entry in source.items()} == {
        key: texts(entry) for key, entry in compiled.items()
    }


@pytest.mark.skipif(not shutil.which("xgettext"), reason="gettext is not installed")
@pytest.mark.parametrize("code", TRANSLATED)
def test_the_catalogue_has_the_texts_of_the_code(code, tmp_path):
    for name in ("products", "vectorshop", "templates", "locale"):
        leave_out = shutil.ignore_patterns("__pycache__", "*.onnx")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=leave_out)
    shutil.copy(ROOT / "manage.py", tmp_path)

    subprocess.run(
        [sys.executable, "manage.py", "makemessages", "-l", code, "--no-obsolete"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )

    extracted = catalogue(code, root=tmp_path)
    assert catalogue(code).keys() == extracted.keys()
    assert [e.msgid for e in extracted.values() if e.fuzzy] == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_the_catalogue_has_the_texts_of_the_templates(code):
    environment = engines["jinja2"].env.here()
    known = {msgid for _, msgid, _ in catalogue(code)}
    written = set()
    for name in environment.list_templates():
        source, *_ = environment.loader.get_source(environment, name)
        for call in environment.parse(source).find_all(Call):
            if getattr(call.node, "name", "") == "_":
                written.add(call.args[0].value)

    assert "Products" in written
    assert written - known == set()


# The pages, in a language in which every text stands in brackets

# What needs no translation: names, units, and what people type as it is.
SAME_EVERYWHERE = {"VectorShop", "ef_search", "nDCG", "recall", "ms", "SQL", "HNSW"}
FORMATS = {"CSV", "TSV", "JSON", "JSONL"}
SHOPS = {"Shopify", "WooCommerce", "PrestaShop", "Google", "Merchant"}
COLUMNS = {"sku", "name", "category", "description", "price"}
SPOKEN = ("alt", "aria-label", "placeholder", "title")


class Texts(HTMLParser):
    """The texts of a page that somebody sees or hears; no code, no statement."""

    def __init__(self, page):
        super().__init__()
        self.parts, self.attributes, self.silent = [], [], 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.silent += tag in ("script", "style", "code", "pre")
        given = dict(attrs)
        self.attributes += [given[name] for name in SPOKEN if given.get(name)]
        if tag == "input" and given.get("type") == "submit":
            self.attributes.append(given["value"])

    def handle_endtag(self, tag):
        self.silent -= tag in ("script", "style", "code", "pre")

    def handle_data(self, data):
        if not self.silent:
            self.parts.append(data)


def untranslated(page):
    """The words of a page in Latin letters that no translation brought."""
    read = Texts(page)
    text = "\n".join([*read.parts, *read.attributes])
    inner = re.compile(r"⟦[^⟦⟧]*⟧")
    while inner.search(text):
        text = inner.sub(" ", text)
    for product in new_products().values():
        text = text.replace(product.name, "")
    text = text.replace(get_backend().fingerprint, "")
    # Django's own text of a picture in its search form, which it does not translate.
    text = text.replace("\nSearch\n", "\n", 1) if "searchbar" in page else text
    return set(re.findall(r"[A-Za-z_]{2,}", text)) - SAME_EVERYWHERE


@pytest.fixture
def bracketed(monkeypatch):
    """Every translated text stands in brackets, whatever it says."""
    for name in ("gettext", "ngettext", "pgettext", "npgettext"):
        original = getattr(translation._trans, name)
        monkeypatch.setattr(
            translation._trans,
            name,
            lambda *args, original=original: f"⟦{original(*args)}⟧" if args[0] else "",
        )
    compiled = engines["jinja2"].env.made  # with their texts
    compiled.cache_clear()
    yield
    compiled.cache_clear()


SHOP = [
    "/",
    "/?sort=price",
    "/?q=Λάμπα",
    "/?q=Λάμπα&mode=keyword",
    "/?q=Λάμπα&mode=semantic&category=Κατηγορία",
    "/?q=ψψψ&min_price=1000",
    "/?min_price=1000",
    "/?like={0}&unlike={2}",
    "/?like={3}",
    "/?mode=x&page=0&like=0&min_price=5&max_price=x",
    "/?min_price=5&max_price=3",
    "/?q=" + "ψ" * 1001,
    "/products/{0}/",
    "/products/{0}/?diversity=2",
    "/products/{3}/",
    "/products/{0}/why/?q=Λάμπα",
    "/products/{0}/why/",
    "/products/0/",
    "/exact/?q=Λάμπα",
    "/exact/",
    "/similar/",
    "/similar/?q=ψψψ",
    "/similar/?q=%00",
    "/similar/?product=",
    "/similar/?product=0",
    "/lab/",
    "/lab/samples/",
    "/lab/embedding/?a={0}&b={1}",
    "/lab/embedding/?a=0&b={3}",
    "/lab/distance/?product={0}",
    "/lab/distance/?product={3}",
    "/lab/adding/",
    "/lab/index/",
    "/lab/index/?ef_search=x",
    "/lab/filters/?share=x",
    "/lab/your-data/?name=Λάμπα",
    "/lab/your-data/?name=",
    "/map/",
    "/products/add/",
    "/quality/",
    "/quality/?tune=1",
    "/judge/",
]
ADMIN = "/admin/products/product/"
STAFF = [
    "/admin/",
    ADMIN,
    f"{ADMIN}add/",
    f"{ADMIN}{{0}}/change/",
    f"{ADMIN}{{3}}/change/",
    f"{ADMIN}{{0}}/similar/",
    f"{ADMIN}{{3}}/similar/",
    f"{ADMIN}embeddings/",
    f"{ADMIN}import/",
    f"{ADMIN}near-duplicates/",
    f"{ADMIN}near-duplicates/?threshold=9",
    f"{ADMIN}odd-categories/",
    f"{ADMIN}odd-categories/?after=-1",
]


@pytest.mark.usefixtures("bracketed")
@pytest.mark.parametrize("address", SHOP + STAFF)
def test_every_text_of_a_page_is_translated(greek_admin, greek, address):
    Judgement.objects.create(query="Λάμπα", product=greek[0], grade=1)

    response = greek_admin.get(address.format(*(product.pk for product in greek)))

    page = response.content.decode()
    assert page.count("⟦") > 5
    assert untranslated(page) - FORMATS - SHOPS == set()


@pytest.mark.usefixtures("bracketed")
def test_an_empty_catalogue_is_translated(client, db):
    assert untranslated(client.get("/").content.decode()) == set()


@pytest.mark.usefixtures("bracketed", "broken_model")
@pytest.mark.parametrize(
    "address", ["/?q=ψψψ", "/exact/?q=ψ", "/products/{0}/why/?q=ψ"]
)
def test_the_pages_of_a_broken_model_are_translated(client, greek, address):
    page = client.get(address.format(greek[0].pk)).content.decode()

    assert untranslated(page) == set()


@pytest.mark.usefixtures("bracketed")
@pytest.mark.parametrize(
    ("address", "data"),
    [
        ("/samples/load/", {}),
        ("/samples/remove/", {}),
        ("/samples/remove/", {"confirmed": "1"}),
        ("/products/add/", {}),
        ("/products/add/", {"name": "Λάμπα", "preview": "1"}),
        ("/products/add/", {"name": "Νέο", "price": "5"}),
        ("/products/add/prepared/", {"sku": "espresso-machine"}),
        ("/products/add/prepared/", {"sku": "?"}),
        ("/judge/", {}),
        ("/judge/", {"query": "ψ", "relevant": "0"}),
    ],
)
def test_every_answer_to_a_form_is_translated(
    greek_admin, greek, monkeypatch, address, data
):
    monkeypatch.setattr(
        "products.views.samples.samples.load", lambda *args, **kwargs: 10
    )

    response = greek_admin.post(address, data, follow=True)

    page = response.content.decode()
    prepared = new_products()["espresso-machine"]
    for text in (prepared.category, prepared.description, prepared.sku):
        page = page.replace(text, "")
    assert untranslated(page) == set()


@pytest.mark.usefixtures("bracketed", "greek")
def test_an_import_is_translated_up_to_its_refusals(greek_admin, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lines = ["sku,name,category,description,price", "1,Λάμπα,,,2", "9,Νέο,,,3"]
    refused = ["5,Α,,,", '6,Α,,,"1,5"', "7,Α,,,x", "8,Α", "9,Α,,,3", '7,"Α"Α,,,1']
    file = SimpleUploadedFile("κ.csv", "\n".join(lines + refused).encode())

    preview = greek_admin.post(f"{ADMIN}import/", {"file": file})
    token = preview.context["upload"].token
    done = greek_admin.post(f"{ADMIN}import/", {"token": token}, follow=True)

    assert preview.context["preview"].result.refused == len(refused)
    for response in (preview, done):
        page = response.content.decode()
        words = untranslated(page)
        # The columns of the file, and what Python's csv module says.
        assert words - COLUMNS - {"csv", "expected", "after", "delimiter"} == set()


@pytest.mark.usefixtures("bracketed", "greek")
@pytest.mark.parametrize("action", ["embed_selected", "delete_selected"])
def test_the_actions_of_the_admin_are_translated(greek_admin, action):
    data = {"action": action, "_selected_action": [p.pk for p in Product.objects.all()]}

    page = greek_admin.post(ADMIN, data, follow=True).content.decode()

    assert untranslated(page) == set()


@pytest.mark.usefixtures("bracketed")
@pytest.mark.parametrize(
    "name",
    [
        "400.html",
        "500.html",
        "503.html",
        "503_busy.html",
        "503_full.html",
        "503_locked.html",
        "504.html",
    ],
)
def test_the_pages_of_failures_are_translated(rf, name):
    from django.template.loader import render_to_string

    assert untranslated(render_to_string(name)) == set()


# German


GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.fixture
def german():
    return Client(headers=GERMAN)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/", "Was wird gesucht?"),
        ("/?q=headphones", "Warum diese Ergebnisse"),
        ("/lab/why/?q=headphones&mode=keyword", "nach Wörtern wurde gefragt"),
        ("/lab/why/?q=headphones&max_price=50", "Produkte zu vergleichen, wenig genug"),
        ("/?min_price=50.5&max_price=3", "Der niedrigste Preis, 50,5, liegt über"),
        ("/similar/", "Die fünf nächsten erscheinen mit ihrer Kosinusdistanz"),
        ("/", "<legend>Suchart</legend>"),
        ("/", "> Wörter</label>"),
        ("/?q=headphones", ">Mehr solche<"),
        ("/map/", "Karte des Katalogs"),
        ("/products/add/", "Beschreibung"),
        ("/products/0/", "Diese Seite oder dieses Produkt gibt es nicht"),
        ("/exact/", "Zuerst etwas suchen"),
    ],
)
@pytest.mark.usefixtures("samples")
def test_the_shop_speaks_german(german, address, says):
    response = german.get(address)

    page = response.content.decode()
    assert '<html lang="de">' in page
    assert says in page
    assert {"Accept-Language", "Cookie"} <= {*response.headers["Vary"].split(", ")}
    assert response.headers["Content-Language"] == "de"
    assert response.cookies.keys() <= {"csrftoken"}  # of the lab's forms


def test_the_admin_speaks_german(admin_client):
    page = admin_client.get(f"{ADMIN}embeddings/", headers=GERMAN).content.decode()

    assert "Noch ist kein Produkt eingebettet." in page


def test_refusals_are_german_though_another_thread_reads_the_file(
    admin_client, monkeypatch, tmp_path
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = SimpleUploadedFile(
        "new.csv", b'sku,name,category,description,price\na,A,,,"1,5"'
    )

    response = admin_client.post(f"{ADMIN}import/", {"file": file}, headers=GERMAN)

    [refusal] = response.context["preview"].refused
    assert refusal.reason.startswith("price: '1,5' enthält ein Komma")


def test_messages_count_in_german(admin_client, db):
    one = make_product()

    data = {"action": "embed_selected", "_selected_action": [one.pk]}
    page = admin_client.post(ADMIN, data, headers=GERMAN, follow=True)

    assert "1 von 1 ausgewählten Produkt eingebettet." in page.content.decode()


def test_one_visitor_s_language_is_not_the_next_one_s(samples, german, client):
    for address in ("/?q=headphones", "/map/"):
        assert "Produkt" in german.get(address).content.decode()
        page = client.get(address).content.decode()
        assert '<html lang="en">' in page
        assert "Produkte" not in page


def test_the_page_about_a_failure_speaks_german(monkeypatch):
    monkeypatch.setattr("products.views.catalogue.SearchForm", lambda data: 1 / 0)

    response = Client(raise_request_exception=False, headers=GERMAN).get("/")

    assert response.status_code == 500
    assert "Etwas ist schiefgegangen" in response.content.decode()


# Numbers


@pytest.mark.usefixtures("samples", "real_model")
def test_numbers_are_german_where_people_read_them_and_plain_elsewhere(german, client):
    addresses = ["/?q=wireless&min_price=12.5&max_price=1234.50&diversity=0.5", "/map/"]
    addresses += ["/map.svg", f"/products/{Product.objects.first().pk}/?diversity=0.3"]
    numbers = re.compile(
        r'\b(?:value|width|height|x|y|cx|cy|r|points|viewBox|min|max|step|href|id|name)="'
        r'([^"]*\d[^"]*)"'
    )

    for address in addresses:
        pages = [c.get(address).content.decode() for c in (german, client)]

        plain, english = (numbers.findall(page) for page in pages)
        assert plain == english != []


@pytest.mark.usefixtures("samples")
def test_a_price_filter_goes_round_in_german(german):
    page = german.get("/?min_price=12.5&max_price=249.99").content.decode()

    assert re.search(r'name="min_price" value="12.5"', page)
    assert re.search(r'name="max_price" value="249.99"', page)
    assert "129,99\xa0$" in page


@pytest.mark.usefixtures("samples")
def test_similarities_are_german_and_their_bars_are_not(german):
    pk = Product.objects.get(sku="wireless-bluetooth-headphones").pk

    page = german.get(f"/similar/?product={pk}").content.decode()

    assert re.search(r"<strong>0,\d{4}</strong>", page)
    assert re.search(r'<rect width="\d+%"', page)


def test_the_admin_s_input_of_a_price_has_a_point(admin_client):
    product = make_product(price="1234.50")

    address = f"{ADMIN}{product.pk}/change/"
    page = admin_client.get(address, headers=GERMAN).content.decode()

    assert re.search(r'name="price" value="1234.50"', page)


@pytest.mark.usefixtures("bracketed", "greek")
def test_the_plot_of_the_index_is_translated_and_german(greek_admin, monkeypatch):
    hnsw = [Measurement(ef, 0.98, 1.0, 2.0) for ef in EF_SEARCH]
    kept = {1.0: 1.0, 0.25: 0.005, 0.05: 0.05}

    def tune(shares, **options):
        return [Bucket(kept[s], kept[s], 5.0, hnsw, hnsw[0]) for s in shares]

    monkeypatch.setattr("products.quality.steps.tune", tune)

    page = greek_admin.get("/quality/?tune=1", headers=GERMAN).content.decode()

    assert untranslated(page) == set()
    assert {"0,900", "0,98", "0,5 %"} <= set(re.findall(r">([^<>]+)<", page))
    assert re.search(r'points="\d+,\d+( \d+,\d+){4}"', page)


def test_a_price_is_typed_with_a_point_and_saved_in_german(german, db):
    german.post("/products/add/", {"name": "Lampe", "price": "1234.50"})

    assert str(Product.objects.get().price) == "1234.50"


def test_the_samples_stay_as_they_are(db):
    with translation.override("de"):
        load_sample_products()

    assert Product.objects.filter(name="Wireless Bluetooth Headphones").exists()
