"""Addresses of the whole site."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path

from vectorshop.accounts import SignOut

urlpatterns = [
    path("api/", include("products.api.urls")),
    path("", include("products.urls")),
    path("login/", LoginView.as_view(template_name="login.html"), name="login"),
    path("logout/", SignOut.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]

handler400 = "vectorshop.errors.unreadable"
handler404 = "vectorshop.errors.missing"
handler500 = "vectorshop.errors.failed"
