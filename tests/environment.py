"""A pytest plugin: the environment in which the tests read the settings.

Loaded with `-p` before Django, so that neither the developer's `.env` nor the shell
decides what the tests see: no test may reach a real server by accident.
"""

import os
from urllib.parse import urlsplit

os.environ.update(
    ALLOWED_HOSTS="",
    API_CORS_ORIGINS="",
    API_RATE_ADDRESS="",
    API_RATE_KEY="",
    AZURE_CLIENT_ID="",
    AZURE_CREDENTIAL="",
    AZURE_OPENAI_API_KEY="",
    AZURE_OPENAI_API_VERSION="",
    AZURE_OPENAI_DEPLOYMENT="",
    AZURE_OPENAI_ENDPOINT="",
    BEHIND_PROXY="",
    CACHE_PREFIX="",
    CACHE_URL="",
    CATALOG_LANGUAGE="",
    CSRF_TRUSTED_ORIGINS="",
    DB_ASSUME_ROLE="",
    DB_DIRECT_HOST="",
    DB_DIRECT_PORT="",
    ACCESSORY_WORDS="",
    CURRENCY="",
    DB_HOST="",
    DB_LOCK_TIMEOUT="",
    DB_NAME="",
    DB_PASSWORD="",
    DB_POOL="",
    DB_POOLER="",
    DB_PORT="",
    DB_RANDOM_PAGE_COST="",
    DB_REPLICA_HOSTS="",
    DB_REPLICA_LAG="",
    DB_SSLMODE="",
    DB_SSLROOTCERT="",
    DB_STATEMENT_TIMEOUT="",
    DB_TARGET_SESSION_ATTRS="",
    DB_USER="",
    DEBUG="",
    EMBEDDING_BACKEND="products.embeddings.deterministic.EmbeddingBackend",
    EMBEDDING_API_KEY="",
    EMBEDDING_MODEL="",
    EMBEDDING_SHORTEN="",
    EMBEDDING_URL="",
    HNSW_HALFVEC="",
    HTTPS="",
    IMAGE_HOSTS="",
    MEDIA_ROOT="",
    MEDIA_STORAGE="",
    OFFER_AVAILABILITY="",
    OFFER_BRAND="",
    OFFER_CONDITION="",
    OPEN_CATALOG="",
    PAGE_SECONDS="0",  # a test sees at once what it changed
    SELLER_NAME="",
    LOG_FORMAT="",
    LOG_QUERIES="",
    METRICS_ADDRESS="",
    METRICS_DIR="",
    RECALL_SAMPLE="",
    TRACE_EXPORTER="",
    UPLOAD_DIR="",
    SEARCH_LOG="",
    SEARCH_LOG_DAYS="",
    SEARCH_LOG_TEXTS="",
    SECRET_KEY="only-for-tests-" + 40 * "x",
)

# The one server that is meant to be reached: see tests/citus.
if citus := os.environ.get("CITUS_URL"):
    address = urlsplit(citus)
    os.environ.update(
        DB_HOST=address.hostname or "",
        DB_PORT=str(address.port or 5432),
        DB_USER=address.username or "",
        DB_PASSWORD=address.password or "",
        DB_SSLMODE="prefer",
    )
