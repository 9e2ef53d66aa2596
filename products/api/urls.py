"""Addresses of the API."""

from django.urls import path, re_path

from products.api.v1 import api
from products.api.views import unknown

urlpatterns = [
    path("v1/", api.urls),
    re_path("", unknown),
]
