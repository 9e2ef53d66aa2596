"""Addresses of the API of tests/api/test_problems.py."""

from django.urls import path

from tests.api.test_problems import api
from vectorshop.urls import handler400, handler500

urlpatterns = [path("api/", api.urls)]

__all__ = ["handler400", "handler500", "urlpatterns"]
