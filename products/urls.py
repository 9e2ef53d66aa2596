"""Addresses of the shop's pages."""

from django.urls import path

from products.views import (
    adding,
    catalogue,
    comparing,
    completing,
    explaining,
    judging,
    lab,
    map,
    product,
    similar,
)

app_name = "products"
urlpatterns = [
    path("", catalogue.product_list, name="list"),
    path("products/<int:pk>/", product.product_detail, name="detail"),
    path("compare/", comparing.compare, name="compare"),
    path("complete/", completing.complete, name="complete"),
    path("similar/", similar.similar, name="similar"),
    path("products/<int:pk>/why/", explaining.parts, name="parts"),
    path("exact/", explaining.exact, name="exact"),
    path("lab/", lab.tour, name="lab"),
    path("lab/why/", explaining.why, name="why"),
    path("map/", map.show, name="map"),
    path("map.svg", map.picture, name="map_picture"),
    path("quality/", judging.quality, name="quality"),
    path("judge/", judging.judge, name="judge"),
    path("samples/load/", adding.load_samples, name="load_samples"),
    path("products/add/", adding.add, name="add"),
    path("products/add/prepared/", adding.add_prepared, name="add_prepared"),
]
