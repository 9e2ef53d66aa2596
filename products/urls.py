"""Addresses of the shop's pages."""

from django.contrib.sitemaps import views as sitemaps
from django.urls import path

from products.agents import mcp, rest
from products.views import (
    adding,
    catalogue,
    comparing,
    completing,
    explaining,
    judging,
    map,
    pictures,
    product,
    samples,
    similar,
    sitemap,
)
from products.views.lab import learning, measuring, steps

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
    path(".well-known/ucp", rest.show_profile, name="ucp_profile"),
    path("ucp/catalog/search", rest.search, name="ucp_search"),
    path("ucp/catalog/lookup", rest.lookup, name="ucp_lookup"),
    path("ucp/catalog/product", rest.product, name="ucp_product"),
    path("mcp", mcp.answer_message, name="mcp"),
    path("robots.txt", sitemap.robots, name="robots"),
    path("compare/", comparing.compare, name="compare"),
    path("complete/", completing.complete, name="complete"),
    path("similar/", similar.similar, name="similar"),
    path("products/<int:pk>/why/", explaining.parts, name="parts"),
    path("exact/", explaining.exact, name="exact"),
    path("lab/", steps.tour, name="lab"),
    path("lab/samples/", learning.load, name="lab_samples"),
    path("lab/embedding/", learning.embedding, name="lab_embedding"),
    path("lab/distance/", learning.distance, name="lab_distance"),
    path("lab/adding/", learning.adding, name="lab_adding"),
    path("lab/index/", measuring.index, name="lab_index"),
    path("lab/filters/", measuring.filters, name="lab_filters"),
    path("lab/your-data/", learning.your_data, name="lab_your_data"),
    path("lab/start-over/", steps.start_over, name="lab_start_over"),
    path("lab/why/", explaining.why, name="why"),
    path("map/", map.show, name="map"),
    path("map.svg", map.picture, name="map_picture"),
    path("map/points/", map.points, name="map_points"),
    path("map/names/", map.names, name="map_names"),
    path("map/found/", map.found, name="map_found"),
    path("map/products/<int:pk>/", map.card, name="map_card"),
    path("quality/", judging.quality, name="quality"),
    path("judge/", judging.judge, name="judge"),
    path("samples/load/", samples.load_samples, name="load_samples"),
    path("samples/remove/", samples.remove_samples, name="remove_samples"),
    path("products/add/", adding.add, name="add"),
    path("products/add/prepared/", adding.add_prepared, name="add_prepared"),
    path("pictures/<slug:digest>-<int:width>.webp", pictures.uploaded, name="picture"),
]
