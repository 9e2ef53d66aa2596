"""The admin's page of the search log: what is searched for, in vain, and opened."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _

from products.models import LoggedQuery
from products.search_log.frequent import empty_in, frequent_in, no_results
from products.search_log.period import MOST_READ, Period
from products.search_log.positions import click_through
from products.search_log.reformulations import reformulations

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[LoggedQuery]
else:  # Django's class takes no type argument at run time
    ModelAdmin = admin.ModelAdmin

SHOWN_TEXTS = 50
SHOWN_POSITIONS = 24  # the first page
DAYS = 30
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)
TOO_FAR = _("Enter a date from 2000 to 2999.")


def day_field(label: Any) -> forms.DateField:
    """Return the field of a day; far-off ones have no day before or after."""
    widget = forms.DateInput({"type": "date", "min": FIRST_DAY, "max": LAST_DAY})
    return forms.DateField(
        label=label,
        required=False,
        widget=widget,
        validators=[
            MinValueValidator(FIRST_DAY, TOO_FAR),
            MaxValueValidator(LAST_DAY, TOO_FAR),
        ],
    )


class PeriodForm(forms.Form):
    """The days that the page is about, both included; by default the last thirty."""

    start = day_field(_("From"))
    end = day_field(_("To"))

    def clean(self) -> dict[str, Any]:
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and end and start > end:
            self.add_error("end", _("The last day is before the first. Exchange them."))
        return self.cleaned_data

    def period(self) -> Period:
        """Return the period of the checked days."""
        last = self.cleaned_data["end"] or timezone.localdate()
        first = self.cleaned_data["start"] or days_before(last)
        start, end = (
            timezone.make_aware(datetime.combine(day, time.min))
            for day in (first, last + timedelta(days=1))
        )
        return Period(start, end)


def default_days() -> dict[str, str]:
    """Return the first and the last day that the page shows by itself."""
    today = timezone.localdate()
    return {"start": days_before(today).isoformat(), "end": today.isoformat()}


def days_before(last: date) -> date:
    """Return the first of the thirty days that end with *last*, or of fewer kept ones."""
    return last - timedelta(days=min(DAYS, settings.SEARCH_LOG_DAYS) - 1)


class SearchLogAdmin(ModelAdmin):
    """One page in place of the list: nobody reads the searches one by one."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: LoggedQuery | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: LoggedQuery | None = None
    ) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the reports of a period."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = PeriodForm(default_days() | request.GET.dict())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Search log"),
            "form": form,
            "is_on": settings.SEARCH_LOG,
            "keeps_texts": settings.SEARCH_LOG_TEXTS,
            "may_add_synonym": request.user.has_perm("products.add_synonym"),
        }
        if form.is_valid():
            context |= reports(form.period())
        return render(
            request,
            "admin/products/loggedquery/search_log.html",
            context,
            status=400 if form.errors else 200,
        )


def reports(period: Period) -> dict[str, Any]:
    """Return what the page shows of a period; seven statements."""
    return {
        "period": period,
        "last_day": period.end - timedelta(days=1),
        "most_read": MOST_READ,
        "no_results": no_results(period),
        "frequent": frequent_in(period, SHOWN_TEXTS),
        "empty": empty_in(period, SHOWN_TEXTS),
        "reformulations": reformulations(period),
        "positions": click_through(period)[:SHOWN_POSITIONS],
    }
