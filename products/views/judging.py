"""The staff's pages: judge results, and measure the search by the judgements."""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from products.forms import JudgementForm
from products.models import Judgement
from products.permissions import staff_required
from products.quality.evaluation import evaluate
from products.quality.judged import EvaluationError, JudgedQueries, collected_judgements
from products.quality.recall_plot import make_plot
from products.quality.tuning import TuningError, tune
from products.search import Mode

# A quick look while somebody waits; `tune_search` measures thoroughly.
SHARES = (1.0, 0.25, 0.05)
EF_SEARCH = (10, 20, 40, 100, 200)
SAMPLES = 10


@require_POST
@staff_required
def judge(request: HttpRequest) -> HttpResponse:
    """Store whether a product answers a query, in place of an earlier judgement."""
    form = JudgementForm(request.POST)
    if not form.is_valid():
        return render(request, "products/judged.html", {"form": form}, status=400)
    Judgement.objects.update_or_create(
        query=form.cleaned_data["query"],
        product=form.product,
        defaults={"grade": form.grade, "user_id": request.user.pk},
    )
    return redirect(f"{reverse('products:list')}?{form.cleaned_data['back']}")


@require_safe
@staff_required
def quality(request: HttpRequest) -> HttpResponse:
    """Return the page that measures each mode and, on request, the index."""
    judged = collected_judgements()
    context: dict[str, Any] = {
        "judged": judged,
        "reports": [],
        "error": "",
        "plot": None,
        "tuning_error": "",
    }
    if judged.grades:
        try:
            context["reports"] = [means_of(mode, judged) for mode in Mode]
        except EvaluationError as err:
            context["error"] = str(err)
    if "tune" in request.GET:
        try:
            buckets = tune(
                SHARES, samples=SAMPLES, ef_search=EF_SEARCH, using=DEFAULT_DB_ALIAS
            )
        except TuningError as err:
            context["tuning_error"] = str(err)
        else:
            context |= {"buckets": buckets, "plot": make_plot(buckets)}
    return render(request, "products/quality.html", context)


def means_of(mode: Mode, judged: JudgedQueries) -> dict[str, Any]:
    """Return the label of a mode and the means of its measures."""
    measured = evaluate(judged, mode, using=DEFAULT_DB_ALIAS, progress=lambda: None)
    return {
        "label": mode.label,
        "ndcg": measured.interval("ndcg"),
        "recall": measured.interval("recall"),
        "empty": measured.empty,
    }
