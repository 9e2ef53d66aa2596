"""Uploaded pictures: a stranger's file in, three small WebP files of our own out.

A file is taken for what its content shows, whatever its name says. Its size in pixels is
read from its header before anything is decoded, since a small file can claim to be an
enormous picture. What is stored is drawn anew: without the place where a photo was taken,
and without anything that a browser might take for other than a picture. SVG is refused,
because it can carry scripts.

The files go where STORAGES["default"] says, named by the hash of the upload. The same
file sent twice is stored once, several products may show it, and no name ever gets
another content, so that browsers may keep it for good.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageOps

from products.pictures.reference import UPLOAD
from products.pictures.shown import WIDTHS
from products.turns import BusyError, Turns

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 25_000_000  # of a WebP, to decode them takes 400 MB; of others a third
MAX_SIDE = 10_000
MIN_SIDE = 16
MAX_RATIO = 10  # of the longer side to the other
# What cameras, shops and browsers write. Each further format is a further decoder that
# strangers could attack.
FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 80
FOLDER = "pictures"

TURNS = Turns(1)
WAIT_SECONDS = 10

# What Pillow raises for a file that is broken, or made to break it.
BROKEN = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, OverflowError),
    *(EOFError, MemoryError, struct.error, zlib.error),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


@dataclass(frozen=True)
class Upload:
    """A picture that was read, to be stored with its product.

    sizes: the files by their names; none where the storage has them.
    """

    reference: str
    sizes: dict[str, bytes]

    def store(self) -> None:
        """Store the sizes that are not stored yet."""
        for name, content in self.sizes.items():
            if not default_storage.exists(name):
                default_storage.save(name, ContentFile(content))


def read_upload(file: File[bytes]) -> Upload:
    """Return an uploaded picture in its sizes; nothing is stored.

    Raises ValidationError, with what to do about it, for a file that is refused.
    """
    if (file.size or 0) > MAX_BYTES:
        raise ValidationError(
            _("The picture has more than %(most)d MB. Save it smaller."),
            params={"most": MAX_BYTES // 1024**2},
            code="bytes",
        )
    data = file.read(MAX_BYTES + 1)
    digest = hashlib.sha256(data).hexdigest()[:32]
    names = {width: stored_name(digest, width) for width in WIDTHS}
    # The largest is stored last: where it is, the others are too.
    if default_storage.exists(names[WIDTHS[-1]]):
        return Upload(UPLOAD + digest, {})
    try:
        with TURNS.taken(seconds=WAIT_SECONDS):
            sizes = redrawn(data)
    except BusyError as err:
        raise ValidationError(
            _("Other pictures are read just now. Send it again in a moment."),
            code="busy",
        ) from err
    return Upload(
        UPLOAD + digest, {names[width]: content for width, content in sizes.items()}
    )


def stored_name(digest: str, width: int) -> str:
    """Return the name of one size of an upload in the storage."""
    return f"{FOLDER}/{digest}-{width}.webp"


def redrawn(data: bytes) -> dict[int, bytes]:
    """Return the picture of a file as WebP, for each of WIDTHS; raise ValidationError."""
    try:
        image: Image.Image = Image.open(BytesIO(data), formats=FORMATS)
        check_size(image)
        image = in_scalable_colours(image)
        # First of all, since all else takes memory by the pixel. It decodes a JPEG no
        # larger than needed.
        image.thumbnail((WIDTHS[-1], WIDTHS[-1]), Image.Resampling.LANCZOS)
        image = in_screen_colours(ImageOps.exif_transpose(image))
        return {width: webp(image, width) for width in WIDTHS}
    except BROKEN as err:
        raise unreadable(err) from err


def check_size(image: Image.Image) -> None:
    """Raise ValidationError for a picture too large to decode, or unfit to be shown."""
    width, height = image.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise too_large()
    if getattr(image, "n_frames", 1) > 1:
        raise ValidationError(
            _("The picture moves. Save one frame of it as JPEG, PNG or WebP."),
            code="moves",
        )
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_RATIO * min(
        width, height
    ):
        raise ValidationError(
            _(
                "The picture has %(width)d by %(height)d pixels. Choose one of at least "
                "%(least)d to a side, whose longer side is at most %(ratio)d times the "
                "other."
            ),
            params={
                "width": width,
                "height": height,
                "least": MIN_SIDE,
                "ratio": MAX_RATIO,
            },
            code="shape",
        )


def too_large() -> ValidationError:
    return ValidationError(
        _(
            "The picture has too many pixels: at most %(millions)d million, and "
            "%(side)d to a side. Save it smaller."
        ),
        params={"millions": MAX_PIXELS // 1_000_000, "side": MAX_SIDE},
        code="pixels",
    )


def unreadable(err: BaseException) -> ValidationError:
    """Return the refusal for what Pillow raised."""
    if isinstance(err, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return too_large()
    return ValidationError(
        _("This file is no JPEG, PNG or WebP picture, or it is broken."), code="format"
    )


def in_scalable_colours(image: Image.Image) -> Image.Image:
    """Return a picture whose colours can be mixed, as those of a palette cannot."""
    if image.mode.startswith("I"):  # grey of 16 bits; convert() would cut off the upper
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in ("1", "P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image


def in_screen_colours(image: Image.Image) -> Image.Image:
    """Return a picture in sRGB, with its transparency if it has any."""
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "CMYK"):
        image = by_profile(image, profile)
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Return a picture in the colours that its profile means; a broken one means none."""
    try:
        return (
            ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
            or image
        )
    except (ImageCms.PyCMSError, OSError):
        return image


def webp(image: Image.Image, width: int) -> bytes:
    """Return a picture as WebP that fits into a square; a smaller one stays as it is."""
    small = image.copy()
    small.thumbnail((width, width), Image.Resampling.LANCZOS)
    target = BytesIO()
    # Nothing is handed over of what the file said besides its pixels.
    small.save(target, "WEBP", quality=QUALITY, exif=b"", icc_profile=b"", xmp=b"")
    return target.getvalue()
