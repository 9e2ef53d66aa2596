"""The admin's synonyms: checks, the preview, files in and out, and suggestions."""

from functools import partial

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

from products.admin_pages import synonyms as pages
from products.insight import neighbour_words
from products.insight.neighbour_words import Suggestion
from products.models import Product, Synonym
from products.search import search
from tests.search_log.logs import searched

LIST = "/admin/products/synonym/"
ADD = LIST + "add/"
PREVIEW = LIST + "preview/"
IMPORT = LIST + "import/"
EXPORT = LIST + "export/"
SUGGESTIONS = LIST + "suggestions/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def log_in(log_in):
    """Log in a clerk who may do some things with synonyms."""
    return partial(log_in, model="synonym")


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def sell(*names):
    for name in names:
        Product(name=name, price=1).save()


def found(text):
    return {hit.product.name for hit in search(text, mode="keyword")}


def stored():
    return [(row.words, row.finds) for row in Synonym.objects.order_by("pk")]


def upload(text, name="synonyms.csv"):
    return {"file": SimpleUploadedFile(name, text.encode())}


# One synonym


def test_a_synonym_is_added_changed_and_deleted(admin_client):
    sell("Sofa", "Settee")

    admin_client.post(ADD, {"words": " couch,  sofa ", "finds": ""})
    added = found("couch")
    synonym = Synonym.objects.get()
    change = f"{LIST}{synonym.pk}/change/"
    shown = admin_client.get(change).text
    admin_client.post(change, {"words": "couch", "finds": "sofa, settee"})
    changed = found("couch")
    listed = admin_client.get(LIST).text
    admin_client.post(f"{LIST}{synonym.pk}/delete/", {"post": "yes"})

    assert 'value="couch, sofa"' in shown
    assert (added, changed, found("couch")) == ({"Sofa"}, {"Sofa", "Settee"}, set())
    assert "couch → sofa, settee" in listed
    assert "one way" in listed
    entries = LogEntry.objects.order_by("pk")
    assert [entry.action_flag for entry in entries] == [ADDITION, CHANGE, DELETION]
    with translation.override("de"):
        assert entries[1].get_change_message() == "Wörter und Findet auch geändert."


def test_a_form_without_a_change_says_so(admin_client):
    synonym = Synonym(words=["sofa", "couch"])
    synonym.save()

    admin_client.post(
        f"{LIST}{synonym.pk}/change/", {"words": "sofa,couch", "finds": ""}
    )

    assert LogEntry.objects.get().get_change_message() == "No fields changed."


@pytest.mark.parametrize("page", [ADD, PREVIEW])
@pytest.mark.parametrize(
    ("words", "finds", "message"),
    [
        ("", "", "This field is required."),
        (",", "", "A word is missing: there is a comma too many."),
        ("sofa", "", "Name at least two words, or what the word also finds."),
        ("sofa, sofas", "", "are the same to the search. Leave one out."),
        ("sofa", "lamp, sofa", "“sofa” would find itself."),
        ("a\0b", "c", "Null characters are not allowed."),
        ("x" * 2041, "c", "at most 2040 characters"),
        ("Couches, SOFA", "", "The same synonyms are there already. Change those."),
        (",".join(f"w{n}" for n in range(21)), "", "At most 20 words can stand here"),
    ],
)
def test_what_cannot_be_used_is_refused(admin_client, page, words, finds, message):
    Synonym(words=["sofa", "couch"]).save()

    response = admin_client.post(page, {"words": words, "finds": finds})

    assert message in response.text
    assert len(stored()) == 1


@pytest.mark.parametrize("page", [ADD, PREVIEW])
def test_all_synonyms_together_have_only_so_many_words(admin_client, page, monkeypatch):
    monkeypatch.setattr("products.search.synonym_entries.MOST_WORDS", 3)
    Synonym(words=["sofa", "couch"]).save()

    response = admin_client.post(page, {"words": "tv", "finds": "telly"})

    assert "together may have 3 words; with these they would have 4" in response.text
    assert len(stored()) == 1


def test_the_list_can_be_searched(admin_client):
    Synonym(words=["sofa", "couch"]).save()
    Synonym(words=["tv"], finds=["television"]).save()

    response = admin_client.get(LIST, {"q": "Televis"})

    assert [str(row) for row in response.context["cl"].result_list] == [
        "tv → television"
    ]


# The preview


def test_the_form_leads_to_the_preview(admin_client):
    synonym = Synonym(words=["sofa", "couch"])
    synonym.save()

    assert f'formaction="{PREVIEW}"' in admin_client.get(ADD).text
    change = admin_client.get(f"{LIST}{synonym.pk}/change/").text
    assert f'formaction="{LIST}{synonym.pk}/preview/"' in change


def test_the_preview_shows_searches_side_by_side_and_saves_nothing(admin_client):
    sell("Red sofa", "Blue sofa")

    response = admin_client.post(PREVIEW, {"words": "couch", "finds": "sofa"})

    [couch] = response.context["preview"].words
    assert (couch.now.count, couch.then.count) == (
        "No products found",
        "2 products",
    )
    assert "Red sofa" in response.text
    assert f'formaction="{ADD}"' in response.text
    assert stored() == []


def test_the_preview_of_a_change_leaves_the_old_words_out(admin_client):
    sell("Red sofa")
    synonym = Synonym(words=["couch", "sofa"])
    synonym.save()
    here = f"{LIST}{synonym.pk}/"

    response = admin_client.post(
        f"{here}preview/", {"words": "couch, lamp", "finds": ""}
    )

    couch = response.context["preview"].words[0]
    assert (couch.now.count, couch.then.count) == (
        "1 product",
        "No products found",
    )
    assert f'formaction="{here}change/"' in response.text
    assert stored() == [(["couch", "sofa"], [])]


def test_a_preview_without_a_form_leads_to_the_form(admin_client):
    assert admin_client.get(PREVIEW).url == ADD
    assert admin_client.get(f"{LIST}999/preview/").status_code == 404


# Who may


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        ([], set()),
        (["view"], {LIST, EXPORT, SUGGESTIONS}),
        (["add"], {LIST, ADD, PREVIEW, IMPORT}),
        (["change"], {LIST, EXPORT, SUGGESTIONS, "1/preview/"}),
        (["delete"], {LIST}),
    ],
)
def test_each_page_needs_its_permission(log_in, permissions, allowed):
    Synonym(pk=1, words=["sofa", "couch"]).save()
    client = log_in(*permissions)

    answers = {
        LIST: client.get(LIST),
        ADD: client.get(ADD),
        PREVIEW: client.post(PREVIEW, {"words": "tv", "finds": "television"}),
        "1/preview/": client.post(
            f"{LIST}1/preview/", {"words": "tv", "finds": "television"}
        ),
        IMPORT: client.get(IMPORT),
        EXPORT: client.get(EXPORT),
        SUGGESTIONS: client.get(SUGGESTIONS),
    }

    seen = {page for page, answer in answers.items() if answer.status_code == 200}
    assert seen - {LIST} == allowed - {LIST}
    assert all(answer.status_code in (200, 403) for answer in answers.values())


def test_a_visitor_signs_in_first(client):
    assert client.get(EXPORT).url.startswith("/admin/login/")


# Files


def test_a_file_is_shown_then_imported(admin_client):
    sell("Red sofa")
    Synonym(words=["tv"], finds=["television"]).save()

    response = admin_client.post(
        IMPORT, upload('words,finds\n"couch, sofa",\nTV,televisions\n')
    )
    before = stored()
    done = admin_client.post(
        IMPORT, {"shown": response.context["csv"], "name": "synonyms.csv"}
    )

    assert "1 new, 1 unchanged, 0 refused. Nothing is imported yet." in response.text
    assert [word.word for word in response.context["preview"].words] == [
        "couch",
        "sofa",
    ]
    assert len(before) == 1
    assert done.url == LIST
    assert said(done) == ["Imported 1 synonym."]
    assert stored()[1] == (["couch", "sofa"], [])
    assert found("couch") == {"Red sofa"}
    assert "Imported synonyms.csv: 1 new" in admin_client.get("/admin/").text


def test_a_file_with_a_refused_line_is_not_imported(admin_client):
    response = admin_client.post(IMPORT, upload('words,finds\n"couch, sofa",\ntv,\n'))

    assert "1 new, 0 unchanged, 1 refused" in response.text
    assert "<td>3</td>" in response.text
    assert "Name at least two words" in response.text
    assert 'name="shown"' not in response.text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "This field is required."),
        (upload("a,b\n1,2\n"), "needs the columns words and finds"),
        (upload("words\n", "synonyms.xlsx"), "does not end in .csv or .tsv"),
        (upload("{}", "synonyms.json"), "Synonyms are read from CSV and TSV."),
        (upload("x" * 200_001), "The file is larger than 200 kB."),
    ],
)
def test_a_file_that_cannot_be_read_says_why(admin_client, data, message):
    response = admin_client.post(IMPORT, data)

    assert response.status_code == 400
    assert message in response.text


@pytest.mark.parametrize("text", ["", "words,finds\ntv,\n"])
def test_what_was_shown_is_checked_again(admin_client, text):
    response = admin_client.post(IMPORT, {"shown": text, "name": "x"})

    assert response.url == IMPORT
    assert said(response) == ["The file could not be read again. Upload it once more."]
    assert stored() == []


def test_an_export_is_read_back(admin_client):
    Synonym(words=["sofa", "couch"]).save()

    response = admin_client.get(EXPORT)

    assert response.content == b'words,finds\r\n"sofa, couch",\r\n'
    assert response["Content-Disposition"] == 'attachment; filename="synonyms.csv"'
    again = admin_client.post(IMPORT, upload(response.text))
    assert "0 new, 1 unchanged" in again.text


# Suggestions


def test_a_suggestion_leads_to_the_form(admin_client, monkeypatch):
    pair = Suggestion("sofa", "couch", 0.9, 3, 1)
    monkeypatch.setattr(pages, "suggestions", lambda: [pair])

    listed = admin_client.get(SUGGESTIONS).text
    form = admin_client.get(ADD, {"words": pair.words}).text

    assert f'href="{ADD}?words=sofa%2C%20couch"' in listed
    assert "<td>3, 1</td>" in listed
    assert 'value="sofa, couch"' in form


def test_suggestions_that_others_work_on_are_for_later(admin_client, monkeypatch):
    monkeypatch.setattr(neighbour_words, "WAIT_SECONDS", 0)

    with neighbour_words.TURNS.taken(seconds=0):
        response = admin_client.get(SUGGESTIONS)

    assert response.status_code == 503


def test_a_broken_model_says_so(admin_client, broken_model):
    sell_without_model()

    response = admin_client.get(SUGGESTIONS)

    assert "The model is broken. Repair it." in response.text


def sell_without_model():
    Product.objects.bulk_create([Product(sku="1", name="Sofa", price=1)])


def test_the_pages_are_in_german(admin_client):
    Synonym(words=["sofa", "couch"]).save()
    german = {"HTTP_ACCEPT_LANGUAGE": "de"}

    assert "beide Richtungen" in admin_client.get(LIST, **german).text
    assert "Vorschläge" in admin_client.get(LIST, **german).text


# The searches that change


def test_both_previews_show_which_frequent_searches_change(admin_client, settings):
    settings.SEARCH_LOG = True
    searched("couch")
    searched("lamp")
    sell("Sofa")
    sentence = (
        "The first five of 1 of your 2 most frequent searches change; 0 will find "
        "nothing."
    )
    file = SimpleUploadedFile("s.csv", b'words,finds\n"sofa, couch",\n')

    form = admin_client.post(PREVIEW, {"words": "sofa, couch"})
    imported = admin_client.post(IMPORT, {"file": file})

    for response in (form, imported):
        [change] = response.context["searches"].impact.changed
        assert (change.text, change.before) == ("couch", [])
        assert [found.name for found in change.after] == ["Sofa"]
        assert sentence in response.content.decode()


def test_a_changed_synonym_no_longer_finds_what_it_found(admin_client, settings):
    settings.SEARCH_LOG = True
    searched("couch")
    sell("Sofa")
    synonym = Synonym.objects.create(words=["sofa", "couch"])

    response = admin_client.post(
        f"{LIST}{synonym.pk}/preview/", {"words": "sofa, settee"}
    )

    [change] = response.context["searches"].impact.changed
    assert change.loses_all


def test_who_may_not_see_the_log_sees_no_searches(client, log_in, settings):
    settings.SEARCH_LOG = True
    searched("couch")
    sell("Sofa")
    log_in("add")

    response = client.post(PREVIEW, {"words": "sofa, couch"})

    assert response.status_code == 200
    assert response.context["searches"] is None
