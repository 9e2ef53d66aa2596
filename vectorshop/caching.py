"""Which answers a cache may keep: none that was made for one person."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_protect

View = Callable[..., HttpResponseBase]

SAFE = ("GET", "HEAD", "OPTIONS")


class PersonalMiddleware:
    """Tells browsers and proxies to keep no answer that was made for one person.

    Visitors differ by their cookies alone: the session says who is signed in, and a form
    or a message sends a cookie along. The answer to a form shows what was typed.
    Programs differ by the key that they send. It stands around everything that reads or
    sets a cookie.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if is_personal(request, response) and not is_for_good(response):
            patch_cache_control(response, private=True, no_store=True)
        return response


def is_for_good(response: HttpResponseBase) -> bool:
    """Return whether a view says that an answer is the same for everybody, for ever."""
    return "immutable" in response.headers.get("Cache-Control", "")


def is_personal(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return whether *response* was made for whoever sent *request*."""
    return (
        settings.SESSION_COOKIE_NAME in request.COOKIES
        or "Authorization" in request.headers
        or bool(response.cookies)
        or request.method not in SAFE
    )


def kept_a_moment(view: View) -> View:
    """Return *view* with its pages for visitors without a cookie kept PAGE_SECONDS long.

    Whoever signed in, added a product or got a message has a cookie, and sees everything
    at once. A search is always asked anew: each one counts. See
    https://docs.djangoproject.com/en/5.2/topics/cache/#the-per-view-cache
    """
    if not settings.PAGE_SECONDS:
        return view
    # A page with a form sets a cookie, which Django sees only on this side of the cache;
    # then it keeps the page for nobody.
    kept = cache_page(settings.PAGE_SECONDS, cache="pages")(csrf_protect(view))

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        fresh = request.COOKIES or request.GET.get("q")
        return (view if fresh else kept)(request, *args, **kwargs)

    return answer
