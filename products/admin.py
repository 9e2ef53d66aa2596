"""The catalogue in Django's admin: the vector is never shown nor edited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext, gettext_lazy as _
from django.views.decorators.http import require_POST

from products.admin_pages import import_page, overview, reports
from products.admin_pages.actions import embed_selected, export_csv, export_jsonl
from products.admin_pages.api_keys import ApiKeyAdmin
from products.admin_pages.embeddings import embed_some, embeddings_context
from products.admin_pages.search_log import SearchLogAdmin
from products.admin_pages.synonyms import SynonymAdmin
from products.currency import currency_sign
from products.embeddings import EmbeddingError
from products.models import ApiKey, LoggedQuery, NotDuplicate, Product, Synonym
from products.numbers import priced
from products.pictures.drawn import drawn_picture
from products.pictures.form import PictureForm
from products.pictures.shown import image_address
from products.querysets import EmbeddingState, ProductQuerySet
from products.search import similar_to
from products.sql.sharding import is_sharded
from products.templating.filters import category_name, shortened

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Product]
    PairAdmin = admin.ModelAdmin[NotDuplicate]
else:  # Django's class takes no type argument at run time
    ModelAdmin = PairAdmin = admin.ModelAdmin


NEAREST_ON_CHANGE_PAGE = 5
NEAREST_ON_OWN_PAGE = 50

KEPT_SKU = _(
    "On a cluster the sku cannot be changed: the product's place is made of it. Add a "
    "product with the other sku, and delete this one."
)


def in_cell(text: str, length: int) -> str:
    """Return a text for a cell of the list; of a long one the whole is its title."""
    short = shortened(text, length)
    return text if short == text else format_html('<b title="{}">{}</b>', text, short)


def change_url(product: Product) -> str:
    return reverse("admin:products_product_change", args=[product.pk])


class EmbeddingStateFilter(admin.SimpleListFilter):
    """Products by the state of their embedding."""

    title = _("embedding")
    parameter_name = "embedding_state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state.value, str(state.label)) for state in EmbeddingState]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Product]
    ) -> QuerySet[Product]:
        if self.value() not in EmbeddingState.values:
            return queryset
        return queryset.filter(Q(embedding_state=self.value()))


class CategoryFilter(admin.AllValuesFieldListFilter):
    """Products by category; the empty one has a name, too."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": category_name(str(choice["display"]))}


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    list_display = ["title", "number", "group", "cost", "state", "changed"]
    list_per_page = 50  # a page of 100 has more than 60 kB
    list_filter = [EmbeddingStateFilter, ("category", CategoryFilter)]
    search_fields = ["name", "sku", "description"]
    form = PictureForm
    fields = [
        "sku",
        "name",
        "category",
        "description",
        "price",
        "preview",
        "image_file",
        "image",
        "state",
        "embedding_fingerprint",
        "nearest",
        "created_at",
        "updated_at",
    ]
    readonly_fields = [
        "preview",
        "state",
        "embedding_fingerprint",
        "nearest",
        "created_at",
        "updated_at",
    ]
    actions = [embed_selected, export_csv, export_jsonl]
    show_full_result_count = False  # it would count the whole table on every page

    class Media:
        css = {"all": ["products/picture.css"]}

    def get_queryset(self, request: HttpRequest) -> ProductQuerySet:
        return Product.objects.without_vectors().with_embedding_state()

    def get_fields(self, request: HttpRequest, obj: Product | None = None) -> Any:
        # A product that is not saved yet lacks what the database fills in.
        fields = super().get_fields(request, obj)
        return fields if obj else [f for f in fields if f not in self.readonly_fields]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Product | None = None
    ) -> list[str]:
        if obj and obj.keeps_sku:
            return ["sku", *self.readonly_fields]
        return self.readonly_fields

    def get_form(
        self,
        request: HttpRequest,
        obj: Product | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> Any:
        if obj and obj.keeps_sku:
            kwargs["help_texts"] = {"sku": KEPT_SKU}
        return super().get_form(request, obj, change, **kwargs)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # A filter's value goes to the database as it is, and PostgreSQL refuses NUL.
        if "%00" in request.META["QUERY_STRING"]:
            messages.error(request, _("Null characters are not allowed in a filter."))
            return redirect(request.path)
        may_import = import_page.may_import(self, request)
        context = {"may_import": may_import, **(extra_context or {})}
        return super().changelist_view(request, context)

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, tuple[Callable[..., HttpResponseBase], str]] = {
            "embeddings/": (self.embeddings_view, "embeddings"),
            "import/": (partial(import_page.import_page, self), "import"),
            "import/refused/": (partial(import_page.refused_page, self), "refused"),
            "near-duplicates/": (
                partial(reports.near_duplicates_page, self),
                "duplicates",
            ),
            "odd-categories/": (
                partial(reports.odd_categories_page, self),
                "odd_categories",
            ),
            "recall/": (require_POST(partial(overview.measure_recall, self)), "recall"),
            "<int:pk>/similar/": (self.similar_view, "similar"),
        }
        urls = [
            path(
                route, self.admin_site.admin_view(view), name=f"products_product_{name}"
            )
            for route, (view, name) in pages.items()
        ]
        return [*urls, *super().get_urls()]

    def similar_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the products nearest to one, with their distances."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            product, results = similar_to(pk, page_size=NEAREST_ON_OWN_PAGE)
        except Product.DoesNotExist as err:
            raise Http404 from err
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Similar to %(name)s") % {"name": product},
            "opts": self.opts,
            "product": product,
            "results": results,
        }
        return render(request, "admin/products/product/similar.html", context)

    def embeddings_view(self, request: HttpRequest) -> HttpResponse:
        """Show how many products are embedded, and a button that embeds some."""
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
            "title": _("Embeddings"),
            "opts": self.opts,
            "may_embed": self.has_change_permission(request),
        }
        return render(request, "admin/products/product/embeddings.html", context)

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name == "price":
            sign = currency_sign(get_language(), settings.CURRENCY)
            field.label = f"{capfirst(field.label)} ({sign.strip()})"
        return field

    # The columns of the list; each is short enough for all to fit side by side.

    @admin.display(description=_("name"), ordering="name")
    def title(self, product: Product) -> str:
        return in_cell(product.name, 70)

    @admin.display(description=_("sku"), ordering="sku")
    def number(self, product: Product) -> str:
        return in_cell(product.sku, 30)

    @admin.display(description=_("category"), ordering="category")
    def group(self, product: Product) -> str:
        return in_cell(category_name(product.category), 30)

    @admin.display(description=_("price"), ordering="price")
    def cost(self, product: Product) -> str:
        return priced(product.price)

    @admin.display(description=_("updated at"), ordering="updated_at")
    def changed(self, product: Product) -> str:
        return date_format(localtime(product.updated_at), "SHORT_DATE_FORMAT")

    @admin.display(description=_("embedding"), ordering="embedding_state")
    def state(self, product: Product) -> str:
        state = getattr(product, "embedding_state", EmbeddingState.MISSING)
        label = EmbeddingState(state).label
        return format_html('<span class="state state-{}">{}</span>', state, label)

    @admin.display(description=_("picture on the pages"))
    def preview(self, product: Product) -> str:
        address = image_address(product, 480)
        if address is None:
            return drawn_picture(product, "card")
        return format_html(
            '<img class="pic pic-card" src="{}" width="320" height="240" alt="">',
            address,
        )

    @admin.display(description=_("nearest products"))
    def nearest(self, product: Product) -> str:
        """Return the five nearest and their cosine distances, on the change page only."""
        if product.pk is None:
            return "-"
        _product, results = similar_to(product.pk, page_size=NEAREST_ON_CHANGE_PAGE)
        rows = (
            (
                change_url(hit.product),
                hit.product.name,
                number_format(round(hit.distance or 0.0, 3), 3),
            )
            for hit in results
        )
        distance = gettext("Distance")
        items = format_html_join(
            "",
            '<li><a href="{}">{}</a> ({} {})</li>',
            ((address, name, distance, number) for address, name, number in rows),
        )
        if not items:
            return gettext("None.") if product.embedding_fingerprint else results.notice
        return format_html("<ol>{}</ol>", items)

    def save_model(
        self, request: HttpRequest, obj: Product, form: Any, change: bool
    ) -> None:
        try:
            obj.save()
        except EmbeddingError as err:
            obj.save(embed=False)
            messages.warning(
                request,
                gettext("Saved, but not embedded: %(reason)s") % {"reason": err},
            )


@admin.register(NotDuplicate)
class NotDuplicateAdmin(PairAdmin):
    """The pairs settled as no duplicates: deleting one lets the report show it again.

    Who may change products may do that. The report makes the pairs, and nobody edits
    them.
    """

    list_display = ["product", "other", "user", "created_at"]
    list_display_links = None
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotDuplicate]:
        pairs = super().get_queryset(request)
        if is_sharded(pairs.db):  # shards are joined once in a statement
            named = Product.objects.only("name")
            both = (Prefetch(name, queryset=named) for name in ("product", "other"))
            return pairs.select_related("user").prefetch_related(*both)
        return pairs.select_related("product", "other", "user").only(
            "product__name", "other__name", "user__username", "created_at"
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: NotDuplicate | None = None
    ) -> bool:
        return False

    def has_view_permission(
        self, request: HttpRequest, obj: NotDuplicate | None = None
    ) -> bool:
        return request.user.has_perm("products.change_product")

    def has_delete_permission(
        self, request: HttpRequest, obj: NotDuplicate | None = None
    ) -> bool:
        # A pair goes with its product.
        may_delete = request.user.has_perm("products.delete_product")
        return may_delete or self.has_view_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


admin.site.register(Synonym, SynonymAdmin)
admin.site.register(LoggedQuery, SearchLogAdmin)
admin.site.register(ApiKey, ApiKeyAdmin)
