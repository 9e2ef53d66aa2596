"""Addresses of the shop's pages."""

from django.contrib.sitemaps import views as sitemaps
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
    sitemap,
)

app_name = "products"
urlpatterns = [
    path("", catalogue.product_list, name="list"),
    path("products/<int:pk>/", product.product_detail, name="detail"),
    path(
        "sitemap.xml",
        sitemaps.index,
        {"sitemaps": sitemap.SITEMAPS, "sitemap_url_name": "products:sitemap"},
        name="sitemaps",
    ),
    path(
        "sitemap-<slug:section>.xml",
        sitemaps.sitemap,
        {"sitemaps": sitemap.SITEMAPS},
        name="sitemap",
    ),
    path("robots.txt", sitemap.robots, name="robots"),
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
