"""The language of every page."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers


class LanguageMiddleware:
    """Chooses the language by the visitor's cookie or browser.

    No address names it. Django's middleware looks for it in each of them four times,
    and weighs what the browser prefers anew: a twentieth of the page of a product.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        cookie = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        preferred = request.META.get("HTTP_ACCEPT_LANGUAGE", "")
        request.LANGUAGE_CODE = language = chosen(cookie, preferred)
        translation.activate(language)
        response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        response.headers.setdefault("Content-Language", language)
        return response


@lru_cache(maxsize=1000)
def chosen(cookie: str | None, preferred: str) -> str:
    """Return the language for a cookie and a header Accept-Language, as Django does."""
    request = HttpRequest()
    if cookie is not None:
        request.COOKIES[settings.LANGUAGE_COOKIE_NAME] = cookie
    request.META["HTTP_ACCEPT_LANGUAGE"] = preferred
    language: str = translation.get_language_from_request(request)
    return language
