"""Pages of other origins call the API only where a setting lets them."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError

READ = "/api/v1/products/lamp"
TILL = "https://till.example"
PREFLIGHT = {
    "Origin": TILL,
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization, if-match",
}


@pytest.fixture
def allowed(settings):
    """The settings of API_CORS_ORIGINS=https://till.example."""
    settings.CORS_ALLOWED_ORIGINS = [TILL]
    settings.MIDDLEWARE = [
        "corsheaders.middleware.CorsMiddleware",
        *settings.MIDDLEWARE,
    ]


def allowed_origin(response):
    return response.headers.get("Access-Control-Allow-Origin")


def test_no_origin_is_allowed_by_default(client, db):
    assert "corsheaders.middleware.CorsMiddleware" not in django_settings.MIDDLEWARE
    assert allowed_origin(client.get(READ, headers={"Origin": TILL})) is None


def test_an_origin_that_is_named_may_read_answers(client, db, allowed):
    response = client.get(READ, headers={"Origin": TILL})

    assert allowed_origin(response) == TILL
    assert "ETag" in response.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_other_origins_may_not(client, db, allowed):
    assert allowed_origin(client.get(READ, headers={"Origin": TILL + ".evil"})) is None


def test_a_browser_may_ask_before_it_sends_a_key(client, allowed):
    response = client.options(READ, headers=PREFLIGHT)

    assert response.status_code == 200
    assert allowed_origin(response) == TILL
    assert "PUT" in response.headers["Access-Control-Allow-Methods"]
    for header in ("authorization", "if-match"):
        assert header in response.headers["Access-Control-Allow-Headers"]


def test_pages_of_the_shop_stay_closed(client, db, allowed):
    assert allowed_origin(client.get("/", headers={"Origin": TILL})) is None


@pytest.mark.parametrize(
    ("origins", "read"),
    [
        ("", "False [] False"),
        ("*", "True [] True"),
        (
            f"{TILL}, http://localhost:3000",
            f"False ['{TILL}', 'http://localhost:3000'] True",
        ),
    ],
)
def test_the_setting_is_read(origins, read):
    program = (
        "from vectorshop import settings as s; print(s.CORS_ALLOW_ALL_ORIGINS, "
        "s.CORS_ALLOWED_ORIGINS, 'corsheaders.middleware.CorsMiddleware' in s.MIDDLEWARE[:2])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=django_settings.BASE_DIR,
        env={**os.environ, "API_CORS_ORIGINS": origins},
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == read


def test_an_origin_that_is_none_is_found_by_the_checks(settings):
    settings.CORS_ALLOWED_ORIGINS = ["till.example"]

    with pytest.raises(SystemCheckError, match="till.example"):
        call_command("check")
