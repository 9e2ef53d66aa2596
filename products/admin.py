"""The catalogue in Django's admin: the vector is never shown nor edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path

from products.embeddings import EmbeddingError
from products.embeddings_page import embed_some, embeddings_context
from products.models import Product

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Product]
else:  # not subscriptable when it runs
    ModelAdmin = admin.ModelAdmin


class EmbeddedFilter(admin.SimpleListFilter):
    """Products with an embedding, or without."""

    title = "embedded"
    parameter_name = "embedded"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "No")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Product]
    ) -> QuerySet[Product]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(embedding__isnull=self.value() == "no")


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    list_display = ["name", "sku", "category", "price", "embedded", "updated_at"]
    list_filter = [EmbeddedFilter, "category"]
    search_fields = ["name", "sku", "description"]
    fields = [
        "sku",
        "name",
        "category",
        "description",
        "price",
        "embedded",
        "embedding_fingerprint",
        "created_at",
        "updated_at",
    ]
    readonly_fields = ["embedded", "embedding_fingerprint", "created_at", "updated_at"]
    show_full_result_count = False  # a count of the whole table, on every page

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        has_embedding = Q(embedding__isnull=False)
        products = Product.objects.for_display()
        return cast("QuerySet[Product]", products.annotate(has_embedding=has_embedding))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # A filter's value goes to the database as it is, and no text there holds this.
        if "%00" in request.META["QUERY_STRING"]:
            messages.error(request, "Null characters are not allowed in a filter.")
            return redirect(request.path)
        return super().changelist_view(request, extra_context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.embeddings_view)
        page = path("embeddings/", view, name="products_product_embeddings")
        return [page, *super().get_urls()]

    def embeddings_view(self, request: HttpRequest) -> HttpResponse:
        """How many products are embedded, and a button that embeds some."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            if not self.has_change_permission(request):
                raise PermissionDenied
            embed_some(request)
            return redirect("admin:products_product_embeddings")
        context = {
            **self.admin_site.each_context(request),
            **embeddings_context(),
            "title": "Embeddings",
            "opts": self.opts,
            "may_embed": self.has_change_permission(request),
        }
        return render(request, "admin/products/product/embeddings.html", context)

    @admin.display(boolean=True, ordering="has_embedding")
    def embedded(self, product: Product) -> bool:
        return bool(getattr(product, "has_embedding", False))

    def save_model(
        self, request: HttpRequest, obj: Product, form: Any, change: bool
    ) -> None:
        try:
            obj.save()
        except EmbeddingError as err:
            obj.save(embed=False)
            messages.warning(request, f"Saved, but not embedded: {err}")
