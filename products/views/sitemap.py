"""What search engines are told of the shop's addresses: sitemaps and robots.txt."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from django.contrib.sitemaps import Sitemap
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from products.models import Product
from products.search import Filters
from products.search.facets import category_counts

if TYPE_CHECKING:
    ProductsPaginator = Paginator[Product]
    ProductsSitemap = Sitemap[Product]
    NamesSitemap = Sitemap[str]
else:  # not subscriptable when it runs
    ProductsPaginator, ProductsSitemap, NamesSitemap = Paginator, Sitemap, Sitemap

# The protocol allows 50,000 addresses in a file; so many are written in a moment.
LIMIT = 5_000


class PaginatorById(ProductsPaginator):
    """Pages of the products, found by the index on their ids.

    An OFFSET over whole rows would read all those before the page.
    """

    def page(self, number: int | str) -> Page[Product]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        ids = Product.objects.order_by("pk").values("pk")[first : first + self.per_page]
        products = Product.objects.filter(pk__in=ids).order_by("pk")
        return Page(products.only("pk", "updated_at"), number, self)


class ProductSitemap(ProductsSitemap):
    """The pages of all products, with when each was changed."""

    limit = LIMIT

    @cached_property
    def paginator(self) -> PaginatorById:
        return PaginatorById(Product.objects.order_by("pk"), self.limit)

    def lastmod(self, product: Product) -> datetime:
        return product.updated_at

    def get_latest_lastmod(self) -> None:
        """Return None: no index tells the latest change of a million products."""


class CategorySitemap(NamesSitemap):
    """The catalogue, and the list of each category."""

    limit = LIMIT

    def items(self) -> list[str]:
        return ["", *(name for name, _ in category_counts(Filters()) if name)]

    def location(self, category: str) -> str:
        query = f"?{urlencode({'category': category})}" if category else ""
        return reverse("products:list") + query


SITEMAPS = {"categories": CategorySitemap, "products": ProductSitemap}


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Return robots.txt, which names the sitemap and what nobody needs to crawl."""
    sitemap = request.build_absolute_uri(reverse("products:sitemaps"))
    context = {"sitemap": sitemap}
    return render(request, "robots.txt", context, content_type="text/plain")
