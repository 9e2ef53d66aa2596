"""Addresses of the whole site."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("products.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "vectorshop.errors.unreadable"
handler500 = "vectorshop.errors.failed"
