"""Addresses of the shop's pages."""

from django.urls import path

from products import adding, explaining, judging, mapping, views

app_name = "products"
urlpatterns = [
    path("", views.product_list, name="list"),
    path("products/<int:pk>/", views.product_detail, name="detail"),
    path("products/<int:pk>/why/", explaining.parts, name="parts"),
    path("exact/", explaining.exact, name="exact"),
    path("similar/", views.similar, name="similar"),
    path("map/", mapping.show, name="map"),
    path("map.svg", mapping.picture, name="map_picture"),
    path("quality/", judging.quality, name="quality"),
    path("judge/", judging.judge, name="judge"),
    path("samples/load/", adding.load_samples, name="load_samples"),
    path("products/add/", adding.add, name="add"),
    path("products/add/prepared/", adding.add_prepared, name="add_prepared"),
]
