"""References to pictures, as the column `image` of a product holds them.

A reference is one text, so that files of the catalogue, COPY and SQL carry it as any
other column. It is one of

* https://shop.example/lamp.jpg, an address elsewhere (or http://…, which no page shows)
* upload:0f3a…, an uploaded picture, by the hash of its file; see `uploads`
* sample:headphones, a drawing of products/static/products/samples
* the empty text: there is no picture, so one is drawn
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# A page has 24 of them.
MAX_LENGTH = 300
UPLOAD = "upload:"
SAMPLE = "sample:"
DIGEST = "[0-9a-f]{32}"

SAMPLES_FOLDER = "products/samples"
STATIC = Path(__file__).resolve().parent.parent / "static"
SAMPLES = frozenset(path.stem for path in (STATIC / SAMPLES_FOLDER).glob("*.svg"))


def check_reference(text: str) -> None:
    """Raise ValidationError for a text that is no reference to a picture.

    Nothing is fetched: an address may lead nowhere.
    """
    if not text:
        return
    if len(text) > MAX_LENGTH:
        raise ValidationError(
            _(
                "The address of a picture has at most %(most)d characters, not %(count)d."
            ),
            params={"most": MAX_LENGTH, "count": len(text)},
            code="max_length",
        )
    if text.startswith(UPLOAD):
        if not re.fullmatch(UPLOAD + DIGEST, text):
            raise ValidationError(
                _("After “upload:” come the 32 digits and letters of an upload."),
                code="upload",
            )
    elif text.startswith(SAMPLE):
        if text.removeprefix(SAMPLE) not in SAMPLES:
            raise ValidationError(
                _("There is no such sample picture. Choose one of %(names)s."),
                params={"names": ", ".join(sorted(SAMPLES))},
                code="sample",
            )
    elif address_of(text) is None:
        raise ValidationError(
            _(
                "Write the whole address of a picture, such as "
                "https://shop.example/lamp.jpg, without blanks and without a password."
            ),
            code="address",
        )


def address_of(text: str) -> SplitResult | None:
    """Return the parts of an address of the web, None for any other text."""
    if not text.isprintable() or any(map(str.isspace, text)):
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # such as a port that is no number
        return None
    good = (
        parts.scheme in ("http", "https")
        and re.fullmatch(r"[\w.-]+", parts.hostname or "")
        and "@" not in parts.netloc
        and port != 0
    )
    return parts if good else None


def host_of(text: str) -> str:
    """Return the host of an address, with its port if that is not the usual one.

    The empty text for a reference that is no address.
    """
    parts = address_of(text)
    if parts is None:
        return ""
    usual = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.hostname}{port}"


def is_elsewhere(text: str) -> bool:
    """Return whether a reference is an address that pages do not show.

    They show https addresses of the hosts in IMAGE_HOSTS, for which the policy of the
    pages makes an exception.
    """
    host = host_of(text)
    return bool(host) and not (
        text[:6].lower() == "https:" and host in settings.IMAGE_HOSTS
    )
