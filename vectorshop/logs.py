"""The log as lines of JSON, for programs that collect logs (LOG_FORMAT=json).

No line has a token or the address of a person in it. What is written while a request is
answered has its id. The line of a request is made by products.watching.request_lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import structlog

from vectorshop.db.entra.tokens import JSON_WEB_TOKEN

# Of the request that this thread answers.
request_id: ContextVar[str] = ContextVar("request_id", default="")

# As keys of the API begin, see products.api_keys.
BEGINNING = "vs_"

# Longer texts are cut, so that no line takes long: a traceback fits.
MAX_TEXT = 20_000
CUT = "\n(cut)\n"

# One of these is in each text that a pattern below finds something in. To look for them
# is a hundred times as fast.
HINTS = (
    *("bearer", "basic", "pass", "pwd", "key", "secret", "sig", "token", "sessionid"),
    *("csrf", "://", "eyj", BEGINNING),
)
NAME = (
    r"(?:password\d?|passwd|pwd|secret(?:[-_]?key)?|token|api[-_]?key|account_?key"
    r"|access_?key|sharedaccesssignature|sessionid|csrftoken|(?<![a-z])(?:pass|sig))"
)
QUOTE = r"\\*[\"']"
# What stands behind these is a secret, whoever writes the line. No two repeats that can
# match the same text stand side by side: the work grows with the text alone.
SECRETS = (
    (JSON_WEB_TOKEN, "(token)"),
    (re.compile(BEGINNING + r"[\w-]{20,}"), "(secret)"),
    (re.compile(r"(://)[^\s/?#\"'<>]{1,1000}@"), r"\1(secret)@"),
    (re.compile(r"\b(bearer|basic)[\s:=]+[^\s\"',;\\:=]+", re.I), r"\1 (secret)"),
    (
        re.compile(
            rf"({NAME}(?:{QUOTE})?\s*[=:]\s*)"
            # In quotes up to the next of the same kind, otherwise up to a blank.
            rf"(?:(?P<quote>{QUOTE})(?:(?!(?<!\\)(?P=quote)).)*(?P=quote)"
            rf"|(?:{QUOTE})?[^\s\"',;&\\]+)",
            re.I,
        ),
        r"\1(secret)",
    ),
)
ENDS_WITH_NAME = re.compile(rf"{NAME}\Z", re.I)


def add_request_id(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Return an event with the id of the request that is answered."""
    if found := request_id.get():
        event["request_id"] = found
    return event


def without_secrets(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any]:
    """Return an event without tokens and passwords that something wrote into it."""
    cleaned: Mapping[str, Any] = clean(event)
    return cleaned


def clean(value: Any) -> Any:
    """Return a value of an event in the form of JSON, without secrets."""
    match value:
        case str():
            return clean_text(value)
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {
                str(name): "(secret)" if names_a_secret(str(name)) else clean(each)
                for name, each in value.items()
            }
        case list() | tuple():
            return [clean(each) for each in value]
    return clean_text(str(value))


@lru_cache(maxsize=1_000)
def names_a_secret(name: str) -> bool:
    """Return whether a value of this name is a secret. Lines have the same few names."""
    return ENDS_WITH_NAME.search(name) is not None


def clean_text(text: str) -> str:
    """Return a text without secrets, cut if it is long."""
    text = shortened(text)
    lower = text.lower()
    if any(hint in lower for hint in HINTS):
        for pattern, instead in SECRETS:
            text = pattern.sub(instead, text)
    return text


def shortened(text: str) -> str:
    """Return a text of at most MAX_TEXT characters: its beginning, and its last lines.

    What goes on in the line that was cut is left out, since it may end a secret.
    """
    if len(text) <= MAX_TEXT:
        return text
    half = (MAX_TEXT - len(CUT)) // 2
    return text[:half] + CUT + text[-half:].partition("\n")[2]


# Made once: json.dumps() makes one for each line.
ENCODER = json.JSONEncoder(ensure_ascii=False)


def as_json(event: Any, **options: Any) -> str:
    """Return an event as JSON."""
    return ENCODER.encode(event)


# What every line has.
COMMON: list[Any] = [
    add_request_id,
    structlog.processors.add_log_level,
    structlog.processors.MaybeTimeStamper(fmt="iso", utc=True),
]
LAST: list[Any] = [
    structlog.processors.format_exc_info,
    without_secrets,
    structlog.processors.JSONRenderer(as_json),
]

# For Django's LOGGING. django.request and runserver's django.server repeat what the line
# of a request says, with the address as it was asked for; axes writes names and addresses
# of people.
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
        "django.server": {"handlers": ["nothing"], "propagate": False},
        "axes": {"handlers": ["nothing"], "propagate": False},
    },
}


def request_logger() -> Any:
    """Return what makes the lines of requests: each of its methods returns one."""
    return structlog.wrap_logger(
        structlog.ReturnLogger(),
        processors=[*COMMON, *LAST],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
    )
