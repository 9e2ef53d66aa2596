"""Addresses of the shop's pages."""

from django.urls import path

from products.views import adding, catalogue, explaining, judging, map, pictures

app_name = "products"
urlpatterns = [
    path("", catalogue.product_list, name="list"),
    path("products/<int:pk>/", catalogue.product_detail, name="detail"),
    path("similar/", catalogue.similar, name="similar"),
    path("products/<int:pk>/why/", explaining.parts, name="parts"),
    path("exact/", explaining.exact, name="exact"),
    path("map/", map.show, name="map"),
    path("map.svg", map.picture, name="map_picture"),
    path("quality/", judging.quality, name="quality"),
    path("judge/", judging.judge, name="judge"),
    path("samples/load/", adding.load_samples, name="load_samples"),
    path("products/add/", adding.add, name="add"),
    path("products/add/prepared/", adding.add_prepared, name="add_prepared"),
    path("pictures/<slug:digest>-<int:width>.webp", pictures.uploaded, name="picture"),
]
