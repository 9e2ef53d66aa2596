"""The pages for signing in and out, in the shop's dress."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView


class SignOut(LogoutView):
    """Signs out on POST; on GET asks, with a button, whether that is meant."""

    http_method_names = ["get", "head", "post", "options"]
    template_name = "logout.html"
