"""The admin's API keys: made, shown once, and revoked."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from products.api_keys import DAYS, MAX_DAYS, ApiKey, ApiKeyQuerySet, Scope

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[ApiKey]
    ModelForm = forms.ModelForm[ApiKey]
else:  # Django's classes take no type argument at run time
    ModelAdmin, ModelForm = admin.ModelAdmin, forms.ModelForm


class NewKeyForm(ModelForm):
    """What somebody chooses who makes a key: its owner is whoever makes it."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=Scope,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "read: nothing but read, counted for the key and not for the address. "
            "explain: how a search found its results. write: what you may write yourself."
        ),
    )
    days = forms.IntegerField(
        label=_("Days until it expires"),
        initial=DAYS,
        min_value=1,
        max_value=MAX_DAYS,
        required=False,
        help_text=_("Left empty, it works until you revoke it."),
    )

    class Meta:
        model = ApiKey
        fields = ["name", "scopes"]

    def clean_name(self) -> str:
        """Return the name, which lists and terminals show."""
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError(
                gettext(
                    "The name has characters that cannot be printed. Leave them out."
                )
            )
        return name


@admin.action(description=_("Revoke selected keys"), permissions=["change"])
def revoke_selected(
    model_admin: ModelAdmin, request: HttpRequest, queryset: QuerySet[ApiKey]
) -> None:
    """Let the selected keys work no more."""
    keys = cast(ApiKeyQuerySet, queryset)
    for key in keys.filter(revoked_at=None):
        model_admin.log_change(request, key, "Revoked.")
    count = keys.revoke()
    text = ngettext("Revoked %(count)d key.", "Revoked %(count)d keys.", count)
    messages.info(request, text % {"count": count})


class ApiKeyAdmin(ModelAdmin):
    """The keys of whoever looks; a superuser sees those of all."""

    form = NewKeyForm
    list_display = ["name", "begins_with", "user", "may", "works", "expires", "used"]
    search_fields = ["name", "prefix", "user__username"]
    actions = [revoke_selected]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        keys = ApiKey.objects.of(request.user)  # type: ignore[arg-type]  # staff
        return keys.select_related("user")

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return [*self.list_display, "created_at"] if obj else [*NewKeyForm.base_fields]

    def has_change_permission(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> bool:
        # Keys are revoked. Another one is made in place of a key that should differ.
        return obj is None and super().has_change_permission(request)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, context | (extra_context or {}))

    def save_model(
        self, request: HttpRequest, obj: ApiKey, form: Any, change: bool
    ) -> None:
        obj.user = request.user  # type: ignore[assignment]  # staff, who are signed in
        obj.set_key(days=form.cleaned_data["days"])
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key, in this answer alone; no cache may keep it."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("The new API key"),
            "opts": self.opts,
            "made": obj,
        }
        return render(request, "admin/products/apikey/made.html", context)

    # The columns of the list

    @admin.display(description=_("begins with"), ordering="prefix")
    def begins_with(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @admin.display(description=_("scopes"))
    def may(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description=_("state"))
    def works(self, key: ApiKey) -> str:
        return key.state

    @admin.display(description=_("expires at"), ordering="expires_at")
    def expires(self, key: ApiKey) -> str:
        return moment(key.expires_at)

    @admin.display(description=_("last used at"), ordering="last_used_at")
    def used(self, key: ApiKey) -> str:
        return moment(key.last_used_at)


def moment(time: datetime.datetime | None) -> str:
    """Return a date and time in the reader's language, "never" for none."""
    if time is None:
        return gettext("never")
    return date_format(localtime(time), "SHORT_DATETIME_FORMAT")
