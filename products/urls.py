"""Addresses of the shop's pages."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpResponse
from django.urls import path
from django.utils.module_loading import import_string

View = Callable[..., HttpResponse]


def page(name: str) -> View:
    """Return the view of this name in a module of products.

    Its module is imported with the first request: every command checks the addresses,
    and what search needs would cost it 25 ms.
    """

    def view(*args: Any, **kwargs: Any) -> HttpResponse:
        return find_view(name)(*args, **kwargs)

    return view


@cache
def find_view(name: str) -> View:
    found: View = import_string(f"products.{name}")
    return found


app_name = "products"
urlpatterns = [
    path("", page("views.product_list"), name="list"),
    path("products/<int:pk>/", page("views.product_detail"), name="detail"),
    path("similar/", page("views.similar"), name="similar"),
    path("products/<int:pk>/why/", page("explaining.parts"), name="parts"),
    path("exact/", page("explaining.exact"), name="exact"),
    path("map/", page("mapping.show"), name="map"),
    path("map.svg", page("mapping.picture"), name="map_picture"),
    path("quality/", page("judging.quality"), name="quality"),
    path("judge/", page("judging.judge"), name="judge"),
    path("samples/load/", page("adding.load_samples"), name="load_samples"),
    path("products/add/", page("adding.add"), name="add"),
    path("products/add/prepared/", page("adding.add_prepared"), name="add_prepared"),
]
