"""tune_search --weights: fitting the weights of the hybrid score to judgements."""

from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from products.embeddings import get_backend
from products.models import RankingWeights
from products.search import search
from products.search.scores import DEFAULT_WEIGHTS, Weights
from tests.factory import axis, make_product, near

pytestmark = pytest.mark.django_db


def run(*args):
    output = StringIO()
    call_command("tune_search", "--weights", *args, stdout=output, verbosity=0)
    return output.getvalue()


@pytest.fixture
def judged(settings, tmp_path):
    """Forty judged queries: one product is nearer, another has the word."""
    settings.EMBEDDING_BACKEND = "tests.search.test_answer.Meanings"
    cache.clear()
    recipe = get_backend().fingerprint
    # The vector of every query is axis(383).
    make_product(sku="near", name="Thing", embedding=axis(383), fingerprint=recipe)
    names = " ".join(f"word{n}" for n in range(40))
    make_product(
        sku="words", name=names, embedding=near(0.2, base=383), fingerprint=recipe
    )
    queries = tmp_path / "queries.tsv"
    queries.write_text("".join(f"{n}\tword{n}\n" for n in range(40)))

    def judge(sku, count=40):
        judgements = tmp_path / "judgements.tsv"
        judgements.write_text("".join(f"{n}\t{sku}\t1\n" for n in range(count)))
        return "--queries", str(queries), "--judgements", str(judgements)

    return judge


def first():
    return next(iter(search("word7"))).product.sku


def test_better_weights_are_put_in_force_and_taken_back(judged):
    files = judged("near")

    # The product with the word has 0.8 + 0.2 * (1 + name) + 0.2 * 20 / 21 > 1.
    assert first() == "words"
    output = run(*files)
    assert "Fitted on 20 judged queries, measured on 20 others" in output
    assert "difference +0.369 [+0.369, +0.369]" in output  # 1 - 1 / log2(3)
    assert "with --apply" in output
    assert not RankingWeights.objects.exists()

    assert "are in force" in run(*files, "--apply")
    assert first() == "near"
    assert "in force again" in run("--reset")
    assert first() == "words"
    assert "in force already" in run("--reset")


def test_weights_that_are_no_better_are_not_put_in_force(judged):
    output = run(*judged("words"), "--apply")

    assert "difference +0.000 [+0.000, +0.000]" in output
    assert "this may be chance" in output
    assert not RankingWeights.objects.exists()


def test_few_judgements_fit_nothing(judged):
    with pytest.raises(CommandError, match="39 judged queries are too few"):
        run(*judged("near", count=39))


def test_the_files_are_needed_and_go_with_the_weights(judged):
    with pytest.raises(CommandError, match="needs --queries FILE"):
        run()
    with pytest.raises(CommandError, match="Add --weights"):
        call_command("tune_search", *judged("near"))


def test_the_weights_of_another_recipe_are_not_used(judged):
    judged("near")
    RankingWeights.objects.create(fingerprint="other", keyword=0, rank=0, queries=40)

    assert first() == "words"
    assert Weights() == DEFAULT_WEIGHTS
