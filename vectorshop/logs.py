"""The log as lines of JSON, for programs that collect logs (LOG_FORMAT=json).

No line has a token or the address of a person in it. The line of a request is made by
products.watching.request_lines.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import structlog

from vectorshop.db.entra.tokens import JSON_WEB_TOKEN

# What stands behind these words is a secret, whoever writes the line.
SECRET = re.compile(
    r"((?:bearer|basic|password|api[-_]?key|secret|sessionid|csrftoken)[\"']?\s*[ =:]\s*)"
    r"[^\s\"',;\\]+",
    re.IGNORECASE,
)
# One of these is in each line that SECRET or JSON_WEB_TOKEN finds something in. To look
# for them is a hundred times as fast.
HINTS = ("bearer", "basic", "password", "api", "secret", "sessionid", "csrf", "eyj")


def without_secrets(logger: Any, method: str, line: str) -> str:
    """Return a line without tokens and passwords that something wrote into it."""
    lower = line.lower()
    if not any(hint in lower for hint in HINTS):
        return line
    return SECRET.sub(r"\1(secret)", JSON_WEB_TOKEN.sub("(token)", line))


# Made once: json.dumps() makes one for each line.
ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)


def as_json(event: Any, **options: Any) -> str:
    """Return an event as JSON; what JSON has no form for as text."""
    return ENCODER.encode(event)


# What every line has.
COMMON: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LAST: list[Any] = [
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(as_json),
    without_secrets,
]

# For Django's LOGGING. django.request repeats what the line of a request says, with the
# address as it was asked for; axes writes names and addresses of people.
JSON_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": [*COMMON, structlog.stdlib.add_logger_name],
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *LAST,
            ],
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "json"},
        "nothing": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django.request": {"handlers": ["nothing"], "propagate": False},
        "axes": {"handlers": ["nothing"], "propagate": False},
    },
}


def configure() -> None:
    """Let structlog write its lines, those of requests, to the standard error stream."""
    structlog.configure(
        processors=[*COMMON, *LAST],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
