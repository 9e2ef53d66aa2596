"""Settings, read from the environment and from a file `.env` in the project's root.

Importing this module starts nothing and connects nowhere. docs/settings.md lists
every variable; a test keeps the two in step.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from corsheaders.defaults import default_headers
from csp.constants import NONE, SELF

from vectorshop.db.entra.tokens import CREDENTIALS
from vectorshop.db.replicas import replica_databases
from vectorshop.env import (
    env_address,
    env_bool,
    env_choice,
    env_float,
    env_hosts,
    env_int,
    env_list,
    env_url,
    secret_from_file,
)

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / ".data"

# Variables that are already set win over the file.
if (BASE_DIR / ".env").exists():
    environ.Env.read_env(BASE_DIR / ".env")

DEBUG = env_bool("DEBUG", False)
SECRET_KEY = os.environ.get("SECRET_KEY") or secret_from_file(DATA_DIR / "secret_key")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")

# Database: PostgreSQL with pgvector from a wheel, or the server named by DB_HOST.

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# Several servers, of which one takes writes, are separated by commas.
DB_HOST = ",".join(env_list("DB_HOST"))
SESSION_KINDS = (
    *("any", "read-write", "read-only", "primary", "standby"),
    "prefer-standby",
)
DB_POOL = env_int("DB_POOL", 0, high=1000)  # connections per process at most
# Seconds a request waits for a connection of the pool before it gets a page that says so.
POOL_SECONDS = 5
POOL = (
    {"pool": {"min_size": 1, "max_size": DB_POOL, "timeout": POOL_SECONDS}}
    if DB_POOL
    else {}
)
CONN_MAX_AGE = 0 if DB_POOL else 600  # seconds a thread keeps its connection
# Seconds, for the statements of web requests; commands have no limits.
LIMITS = {
    "statement_timeout": env_int("DB_STATEMENT_TIMEOUT", 30, high=3600),
    "lock_timeout": env_int("DB_LOCK_TIMEOUT", 5, high=3600),
}
# Only statements that ask for it (products.sql.prepared) are prepared: the threshold is
# so high that psycopg prepares no other by itself.
PREPARE = {"prepare_threshold": sys.maxsize}
# What reading a page from anywhere costs, when the next one costs 1. PostgreSQL's
# default, 4, is that of a disk that turns: it makes the index look dearer than reading
# all vectors. 0 leaves it as the server has it; the embedded one has 1.1 itself.
RANDOM_PAGE_COST = env_float(
    "DB_RANDOM_PAGE_COST", 1.1 if DB_HOST else 0, low=0, high=1000
)
# libpq takes these in place of PGOPTIONS, so they are kept.
SESSION = f"{os.environ.get('PGOPTIONS', '')} -c random_page_cost={RANDOM_PAGE_COST}"
PLANNER = {"options": SESSION.strip()} if RANDOM_PAGE_COST else {}
if DB_HOST:
    DB_PORT = env_int("DB_PORT", 5432, low=1, high=65535)
    # Behind a pooler such as PgBouncer each transaction has another session, so nothing
    # may be kept in one: no prepared statement, cursor or setting. The ports are those
    # of Azure's own PgBouncer, on a flexible server and on an elastic cluster.
    DB_POOLER = env_bool("DB_POOLER", DB_PORT in (6432, 8432))
    DB_DIRECT_HOST = os.environ.get("DB_DIRECT_HOST", "").strip()
    DB_DIRECT_PORT = env_int("DB_DIRECT_PORT", 0, low=1, high=65535)
    # What products.sql.own_session changes to pass the pooler by; {}: it cannot.
    PAST_POOLER = {
        "HOST": DB_DIRECT_HOST or DB_HOST,
        "PORT": DB_DIRECT_PORT or 5432,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": {**PREPARE, **PLANNER},
    }
    POOLER = {"pooler": PAST_POOLER if DB_DIRECT_HOST or DB_DIRECT_PORT else {}}
    DB_OPTIONS = {
        "sslmode": env_choice("DB_SSLMODE", "", SSL_MODES),
        "sslrootcert": os.environ.get("DB_SSLROOTCERT", ""),
        "target_session_attrs": env_choice(
            "DB_TARGET_SESSION_ATTRS",
            "read-write" if "," in DB_HOST else "",
            SESSION_KINDS,
        ),
        "assume_role": os.environ.get("DB_ASSUME_ROLE", ""),
        **POOL,
    }
    DATABASES = {
        "default": {
            # With a password: Django's own backend. Without: Entra tokens.
            "ENGINE": "vectorshop.db.entra",
            "HOST": DB_HOST,
            "PORT": DB_PORT,
            "NAME": os.environ.get("DB_NAME") or "postgres",
            "USER": os.environ.get("DB_USER", ""),
            "PASSWORD": os.environ.get("DB_PASSWORD", ""),
            "CONN_MAX_AGE": CONN_MAX_AGE,
            "CONN_HEALTH_CHECKS": True,
            "DISABLE_SERVER_SIDE_CURSORS": DB_POOLER,
            "OPTIONS": {
                # A pooler refuses a session that brings settings of its own.
                **(POOLER if DB_POOLER else {**PREPARE, **PLANNER}),
                "limits": {} if DB_POOLER else LIMITS,
                **{name: value for name, value in DB_OPTIONS.items() if value},
                "entra": {
                    "credential": env_choice(
                        "AZURE_CREDENTIAL", "auto", CREDENTIALS, dotted_path=True
                    ),
                    "client_id": os.environ.get("AZURE_CLIENT_ID", ""),
                },
            },
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "vectorshop.db.embedded",
            "NAME": os.environ.get("DB_NAME") or "vectorshop",
            "CONN_MAX_AGE": CONN_MAX_AGE,
            "CONN_HEALTH_CHECKS": True,  # the server may have stopped meanwhile
            "OPTIONS": {
                "data_dir": DATA_DIR / "postgres",
                **PREPARE,
                **PLANNER,
                **POOL,
                "limits": LIMITS,
            },
        }
    }
# Standbys that answer pages which only read, see vectorshop/replica_middleware.py.
DB_REPLICA_HOSTS = env_list("DB_REPLICA_HOSTS")
DB_REPLICA_LAG = env_float("DB_REPLICA_LAG", 10, low=0, high=3600)  # seconds at most
DATABASES |= replica_databases(DATABASES["default"], DB_REPLICA_HOSTS)
DATABASE_ROUTERS = ["vectorshop.replicas.Router"] if DB_REPLICA_HOSTS else []
REPLICATED_APPS = ["products"]  # whose rows a page may read from a standby
# Where programs ask by POST and nothing is written; a standby may answer these as well.
READ_BY_POST = ("/ucp/", "/mcp", "/api/v1/search", "/api/v1/instantsearch")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Several web servers share what they computed, and hear of changes at once, by Redis or
# Valkey. Without it each process has a cache of its own.
CACHE_URL = env_url("CACHE_URL", ("redis", "rediss", "unix"))
# Seconds after which a page goes on without the cache.
CACHE_TIMEOUTS = {"socket_timeout": 1, "socket_connect_timeout": 1}
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "vectorshop.shared_cache.SharedCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": os.environ.get("CACHE_PREFIX") or "vectorshop",
        "OPTIONS": {} if CACHE_URL.startswith("unix:") else CACHE_TIMEOUTS,
    }
    if CACHE_URL
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
    "pages": {  # see vectorshop.caching; in each process, because a page is large
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "pages",
        "OPTIONS": {"MAX_ENTRIES": 200},
    },
}
# Seconds for which a process answers everybody without a cookie with the same list.
PAGE_SECONDS = env_int("PAGE_SECONDS", 1, high=60)
# Where the files of the admin's imports wait for their confirmation; empty: in the
# system's folder for temporary files. Web servers that share the work share this folder.
UPLOAD_DIR = os.environ.get("UPLOAD_DIR") or None

# Watching

# Where `manage.py metrics` answers Prometheus; unset: nothing is counted.
METRICS_ADDRESS = env_address("METRICS_ADDRESS")
# Where the processes of one server put what they count.
METRICS_DIR = Path(os.environ.get("METRICS_DIR") or DATA_DIR / "metrics")
# One search in so many is asked again exactly, by the worker; 0: none.
RECALL_SAMPLE = env_int("RECALL_SAMPLE", 0, high=1_000_000)
# "plain": warnings and errors, for people; "json": a line for each request as well.
LOG_FORMAT = env_choice("LOG_FORMAT", "plain", ("plain", "json"))
# May the line of a request hold what was searched for?
LOG_QUERIES = env_bool("LOG_QUERIES", False)
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
if LOG_FORMAT == "json":
    from vectorshop.logs import JSON_LOGGING

    LOGGING = JSON_LOGGING
# The dotted path of a class that sends OpenTelemetry's spans somewhere; empty: no spans.
TRACE_EXPORTER = os.environ.get("TRACE_EXPORTER", "")

# The shop

# May everybody add products, or only users with Django's permission to?
OPEN_CATALOG = env_bool("OPEN_CATALOG", not DB_HOST)
# PostgreSQL's text search configuration of the products' words. A new database begins
# with it; `manage.py set_language` changes it afterwards.
CATALOG_LANGUAGE = os.environ.get("CATALOG_LANGUAGE") or "english"
EMBEDDING_BACKEND = (
    os.environ.get("EMBEDDING_BACKEND") or "products.embeddings.onnx.EmbeddingBackend"
)
# For EMBEDDING_BACKEND=products.embeddings.azure_openai.EmbeddingBackend.
AZURE_OPENAI_ENDPOINT = os.environ.get("AZURE_OPENAI_ENDPOINT", "")
AZURE_OPENAI_DEPLOYMENT = os.environ.get("AZURE_OPENAI_DEPLOYMENT", "")
AZURE_OPENAI_API_VERSION = os.environ.get("AZURE_OPENAI_API_VERSION") or "2024-10-21"
AZURE_OPENAI_API_KEY = os.environ.get("AZURE_OPENAI_API_KEY", "")
# For EMBEDDING_BACKEND=products.embeddings.openai_compatible.EmbeddingBackend.
EMBEDDING_URL = os.environ.get("EMBEDDING_URL", "")
EMBEDDING_MODEL = os.environ.get("EMBEDDING_MODEL", "")
EMBEDDING_API_KEY = os.environ.get("EMBEDDING_API_KEY", "")
# Is the model asked for vectors of the catalogue's size? It must be made for that.
EMBEDDING_SHORTEN = env_bool("EMBEDDING_SHORTEN", False)
# Does search use an HNSW index of half precision? See manage.py build_index --halfvec.
HNSW_HALFVEC = env_bool("HNSW_HALFVEC", False)

# A product whose name has one of these behind the thing that is asked for comes after
# the thing itself: a laptop before a laptop bag.
ACCESSORY_WORDS = env_list(
    "ACCESSORY_WORDS",
    [
        "accessory",
        "adapter",
        "backpack",
        "bag",
        "battery",
        "bracket",
        "briefcase",
        "cartridge",
        "case",
        "charger",
        "cover",
        "cradle",
        "dock",
        "docking",
        "drum",
        "filter",
        "foil",
        "folio",
        "holder",
        "holster",
        "lamp",
        "lens",
        "lock",
        "mount",
        "pouch",
        "protector",
        "refill",
        "remote",
        "replacement",
        "ribbon",
        "skin",
        "sleeve",
        "spare",
        "stand",
        "strap",
        "toner",
        "tray",
        "tripod",
    ],
)

# Hosts whose pictures pages show, besides the shop's own; each with its port, if any.
IMAGE_HOSTS = env_hosts("IMAGE_HOSTS")

# The currency of every price: a code of ISO 4217, or a sign that pages show. Some signs,
# such as $, stand for several currencies: then no other program is told a price.
CURRENCY = os.environ.get("CURRENCY") or "USD"

# What the shop says of every product to search engines, agents and in feeds, and the
# database does not know. Empty: it is left out.
OFFER_AVAILABILITY = env_choice(
    "OFFER_AVAILABILITY", "", ("in_stock", "out_of_stock", "preorder", "backorder")
)
OFFER_CONDITION = env_choice("OFFER_CONDITION", "", ("new", "refurbished", "used"))
OFFER_BRAND = os.environ.get("OFFER_BRAND", "").strip()
SELLER_NAME = os.environ.get("SELLER_NAME", "").strip()

# The search log: which searches were made, what they showed and what was opened. It
# keeps no address and no name; see docs/search-log.md.
SEARCH_LOG = env_bool("SEARCH_LOG", False)
SEARCH_LOG_DAYS = env_int("SEARCH_LOG_DAYS", 90, low=1, high=3650)
SEARCH_LOG_TEXTS = env_bool("SEARCH_LOG_TEXTS", True)

# The JSON API

# Requests a minute of an address that brings no key, and of a key; 0: any number.
API_RATE_ADDRESS = env_int("API_RATE_ADDRESS", 300, high=100_000)
API_RATE_KEY = env_int("API_RATE_KEY", 1200, high=100_000)
# Origins whose pages may call the API from a browser; "*" alone: all.
API_CORS_ORIGINS = env_list("API_CORS_ORIGINS")
CORS_ALLOW_ALL_ORIGINS = API_CORS_ORIGINS == ["*"]
CORS_ALLOWED_ORIGINS = [] if CORS_ALLOW_ALL_ORIGINS else API_CORS_ORIGINS
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [*default_headers, "if-match", "if-none-match"]
CORS_EXPOSE_HEADERS = [
    *("ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"),
    "WWW-Authenticate",
]

# Django

INSTALLED_APPS = [
    "vectorshop",
    "products",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.sitemaps",
    "django_htmx",
    "ninja",
    "corsheaders",
    "axes",
]
# Is anything done with what is recorded of each request?
WATCHED = bool(METRICS_ADDRESS) or LOG_FORMAT == "json"
MIDDLEWARE = [
    "products.watching.probes.ProbeMiddleware",
    *(["products.watching.recording.RecordingMiddleware"] if WATCHED else []),
    *(["corsheaders.middleware.CorsMiddleware"] if API_CORS_ORIGINS else []),
    *(["products.watching.recall_samples.SamplingMiddleware"] if RECALL_SAMPLE else []),
    *(["vectorshop.replica_middleware.ReplicaMiddleware"] if DB_REPLICA_HOSTS else []),
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "vectorshop.csp.OnePolicyMiddleware",
    "vectorshop.caching.PersonalMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "vectorshop.requests.ReadableMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "vectorshop.not_allowed.explain_not_allowed",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "vectorshop.urls"
WSGI_APPLICATION = "vectorshop.wsgi.application"
TEMPLATES = [
    {
        "NAME": "jinja2",
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates" / "shop"],
        "OPTIONS": {"environment": "products.templating.environment.Environments"},
    },
    {  # the admin
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]
FIXTURE_DIRS = [BASE_DIR / "fixtures"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
# The visitor's browser chooses. `locale` has the texts of all languages but English.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# From the root: without the first "/" Django would put the path in front of it at which
# the shop is served, once for all. vectorshop.static does it at each request.
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Files are served from the apps, so that nothing has to be collected first.
WHITENOISE_USE_FINDERS = True
# Where uploaded pictures are kept; all web servers of a shop need the same place.
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT") or DATA_DIR / "media")
STORAGES = {
    "default": {
        "BACKEND": os.environ.get("MEDIA_STORAGE")
        or "django.core.files.storage.FileSystemStorage"
    },
    "staticfiles": {"BACKEND": "vectorshop.static.CollectedOrPlainStorage"},
}

# Security

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "script-src": [SELF],
        "img-src": [SELF, "data:", *(f"https://{host}" for host in IMAGE_HOSTS)],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
HTTPS = env_bool("HTTPS", False)
SECURE_SSL_REDIRECT = HTTPS
SESSION_ENGINE = "vectorshop.sessions"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0  # one year
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
BEHIND_PROXY = env_bool("BEHIND_PROXY", False)
if BEHIND_PROXY:
    # Only for a proxy that always sets or removes this header itself.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Log-ins

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "products:list"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # refuses after too many failures
    "django.contrib.auth.backends.ModelBackend",
]
AXES_HANDLER = "vectorshop.logins.LogInHandler"
AXES_CLIENT_IP_CALLABLE = "vectorshop.logins.client_address"
AXES_USERNAME_CALLABLE = "vectorshop.logins.name_tried"
AXES_LOCKOUT_CALLABLE = "vectorshop.logins.locked_out"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
# Refused log-ins do not make the time longer.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
# The shop keeps no record of who logged in, and the admin shows no failures.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
