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
from products.quality.evaluation import ModeMeasures
from products.quality.judged import EvaluationError, collected_judgements
from products.quality.recall_plot import make_plot
from products.quality.steps import evaluate_step, tune_step
from products.quality.tuning import TuningError

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
    """Return the page that measures each mode and, on request, the index.

    A request measures for some seconds at most; the page asks again until all is known.
    """
    judged = collected_judgements()
    context: dict[str, Any] = {
        "judged": judged,
        "evaluated": None,
        "tuned": None,
        "next_step": "",
        "reports": [],
        "error": "",
        "plot": None,
        "tuning_error": "",
    }
    if judged.grades:
        try:
            evaluated = evaluate_step(judged, using=DEFAULT_DB_ALIAS)
        except EvaluationError as err:
            context["error"] = str(err)
        else:
            context["evaluated"] = evaluated
            if evaluated.done:
                context["reports"] = list(map(means_of, evaluated.modes))
    if "tune" in request.GET:
        try:
            tuned = tune_step(
                SHARES, samples=SAMPLES, ef_search=EF_SEARCH, using=DEFAULT_DB_ALIAS
            )
        except TuningError as err:
            context["tuning_error"] = str(err)
        else:
            context["tuned"] = tuned
            if tuned.buckets:
                context |= {
                    "buckets": tuned.buckets,
                    "plot": make_plot(tuned.buckets),
                }
    steps = [step for step in (context["evaluated"], context["tuned"]) if step]
    if not all(step.complete for step in steps):
        context["next_step"] = request.get_full_path()
    return render(request, "lab/quality.html", context)


def means_of(measured: ModeMeasures) -> dict[str, Any]:
    """Return the label of a mode and the means of its measures."""
    return {
        "label": measured.mode.label,
        "ndcg": measured.interval("ndcg"),
        "recall": measured.interval("recall"),
        "empty": measured.empty,
    }
