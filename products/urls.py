"""Addresses of the shop's pages."""

app_name = "products"
urlpatterns: list = []
