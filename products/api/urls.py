"""Addresses of the API."""

from django.urls import path, re_path

from products.api.v1 import api
from products.api.views import docs, document, unknown

urlpatterns = [
    path("v1/", unknown),  # ninja has no problem document for it
    path("v1/openapi.json", document, name="api-document"),
    path("v1/", api.urls),
    path("docs", docs, name="api-docs"),
    re_path("", unknown),
]
