"""Addresses of the shop's pages."""

from django.urls import path

from products.lazy_views import lazy_view

app_name = "products"
urlpatterns = [
    path("", lazy_view("views.product_list"), name="list"),
    path("products/<int:pk>/", lazy_view("views.product_detail"), name="detail"),
    path("similar/", lazy_view("views.similar"), name="similar"),
    path("products/<int:pk>/why/", lazy_view("explaining.parts"), name="parts"),
    path("exact/", lazy_view("explaining.exact"), name="exact"),
    path("map/", lazy_view("mapping.show"), name="map"),
    path("map.svg", lazy_view("mapping.picture"), name="map_picture"),
    path("quality/", lazy_view("judging.quality"), name="quality"),
    path("judge/", lazy_view("judging.judge"), name="judge"),
    path("samples/load/", lazy_view("adding.load_samples"), name="load_samples"),
    path("products/add/", lazy_view("adding.add"), name="add"),
    path(
        "products/add/prepared/", lazy_view("adding.add_prepared"), name="add_prepared"
    ),
]
