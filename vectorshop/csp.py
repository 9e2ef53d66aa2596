"""The Content-Security-Policy of every page."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from csp.constants import HEADER
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

# Django's own pages with DEBUG, which have their style within them.
DEBUG_PAGES = (HTTPStatus.NOT_FOUND, HTTPStatus.INTERNAL_SERVER_ERROR)


class OnePolicyMiddleware(MiddlewareMixin):
    """Sets the policy of the settings, built once.

    No view has a policy of its own. django-csp's middleware asks for one and builds it
    at each request, twice: 0.1 ms, a tenth of the page of a product.
    """

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.policy = build_policy()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not (settings.DEBUG and response.status_code in DEBUG_PAGES):
            response.headers.setdefault(HEADER, self.policy)
        return response
