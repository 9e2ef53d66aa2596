"""Addresses of the shop's pages."""

from django.urls import path

from products import views

app_name = "products"
urlpatterns = [
    path("", views.product_list, name="list"),
    path("products/<int:pk>/", views.product_detail, name="detail"),
    path("similar/", views.similar, name="similar"),
    path("samples/load/", views.load_samples, name="load_samples"),
    path("products/add/", views.add, name="add"),
    path("products/add/prepared/", views.add_prepared, name="add_prepared"),
]
