"""What each web process counts, by the names under which Prometheus reads it.

All labels have few values: modes, plans, routes of the shop, classes of status.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

# Seconds. A similar page takes one or two milliseconds, an exact scan tenths of a second.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

searches = Counter(
    "vectorshop_searches",
    "Searches, by what came of them: found, nothing, or below_floor where the nearest "
    "is too far to be a match.",
    ["mode", "filtered", "outcome"],
    registry=REGISTRY,
)
search_seconds = Histogram(
    "vectorshop_search_seconds",
    "The time of a search, without its page.",
    ["mode", "plan"],
    buckets=SECONDS,
    registry=REGISTRY,
)
stage_seconds = Histogram(
    "vectorshop_search_stage_seconds",
    "What the time goes into: embedding and sql of the search, and rendering, from its "
    "answer to the end of the page, with the facets.",
    ["stage", "mode", "plan"],
    buckets=SECONDS,
    registry=REGISTRY,
)
results = Histogram(
    "vectorshop_search_results",
    "How many products a search found.",
    ["mode"],
    buckets=(0, 1, 5, 10, 24, 50, 100, 200, 300),
    registry=REGISTRY,
)
query_embeddings = Counter(
    "vectorshop_query_embeddings",
    "Vectors of queries, by whether they were in the cache or the model made them.",
    ["source"],
    registry=REGISTRY,
)
responses = Counter(
    "vectorshop_responses",
    "Answers to requests, by the name of the address and the class of the status.",
    ["route", "status"],
    registry=REGISTRY,
)
pool = Gauge(
    "vectorshop_pool_connections",
    "Connections of the pools: size, available, and requests that wait for one.",
    ["state"],
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
token_seconds = Gauge(
    "vectorshop_token_seconds_left",
    "Seconds until the first of the tokens ends.",
    # A gauge without labels shows 0 where there is no token, as if it had ended.
    ["of"],
    multiprocess_mode="livemin",
    registry=REGISTRY,
)
