"""The staff's pages: judging results, and what the judgements say of the search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.views.decorators.http import require_POST, require_safe

from products.forms import JudgementForm
from products.models import Judgement
from products.permissions import staff_required
from products.quality.evaluation import evaluate
from products.quality.judged import EvaluationError, collected_judgements
from products.quality.tuning import Bucket, TuningError, tune
from products.search.question import Mode

# A quick look while somebody waits; `tune_search` measures thoroughly.
SHARES = (1.0, 0.25, 0.05)
EF_SEARCH = (10, 20, 40, 100, 200)
SAMPLES = 10

WIDTH, HEIGHT, MARGIN = (
    440,
    280,
    48,
)  # about as wide as it is shown: text keeps its size
LEVELS = 5  # lines across


@require_POST
@staff_required
def judge(request: HttpRequest) -> HttpResponse:
    """Note whether a product answers a query; the last word about a pair counts."""
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
    """How well each mode answers what was judged; on request the index's recall."""
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
            context["reports"] = [report(mode, judged) for mode in Mode]
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


def report(mode: Mode, judged: Any) -> dict[str, Any]:
    """Return the label of a mode and the means of its measures."""
    measured = evaluate(judged, mode, using=DEFAULT_DB_ALIAS, progress=lambda: None)
    return {
        "label": mode.label,
        "ndcg": measured.interval("ndcg"),
        "recall": measured.interval("recall"),
        "empty": measured.empty,
    }


@dataclass(frozen=True)
class Line:
    """One line of the plot: its title and its points, as SVG takes them."""

    title: str
    points: str


@dataclass(frozen=True)
class Plot:
    """Recall over ef_search, in the units of the picture.

    marks: the places of ef_search, (x, text); levels: those of recall, (y, text).
    """

    lines: list[Line]
    marks: list[tuple[int, str]]
    levels: list[tuple[int, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = MARGIN
    right: int = WIDTH - MARGIN


def make_plot(buckets: Sequence[Bucket]) -> Plot:
    """Return the plot of the measurements: one line for each share of kept products.

    Recall goes up to 1, from the tenth below the lowest: an index misses little, and
    from 0 all lines would lie on each other.
    """
    step = (WIDTH - 2 * MARGIN) // (len(EF_SEARCH) - 1)
    marks = [(MARGIN + step * place, str(ef)) for place, ef in enumerate(EF_SEARCH)]
    lowest = min(measured.recall for bucket in buckets for measured in bucket.hnsw)
    bottom = min(math.floor(lowest * 10), 9) / 10

    def level(recall: float) -> int:
        share = (recall - bottom) / (1 - bottom)
        return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN))

    lines = [
        Line(
            bucket.title,
            " ".join(
                f"{x},{level(measured.recall)}"
                for (x, _), measured in zip(marks, bucket.hnsw, strict=True)
            ),
        )
        for bucket in buckets
    ]
    gap = (1 - bottom) / (LEVELS - 1)
    recalls = [bottom + gap * place for place in range(LEVELS)]
    return Plot(
        lines, marks, [(level(recall), number_format(recall, 3)) for recall in recalls]
    )
