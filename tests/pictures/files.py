"""Picture files for tests, made by Pillow, and some that only claim to be pictures."""

import struct
import zlib
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from products.pictures.uploads import read_upload

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(width=40, height=30, format="PNG", *, mode="RGB", color="red", **options):
    """The bytes of a picture in one colour."""
    target = BytesIO()
    Image.new(mode, (width, height), color).save(target, format, **options)
    return target.getvalue()


def upload(data, name="lamp.png"):
    """A file as a form has it."""
    return SimpleUploadedFile(name, data, content_type="image/png")


def store_upload(file):
    """The reference to a file that is read and stored."""
    read = read_upload(file)
    read.store()
    return read.reference


def claims(width, height):
    """A PNG of a few bytes whose header says that it is large."""

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


def moving(format):
    """A picture of two frames."""
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    target = BytesIO()
    first.save(target, format, save_all=True, append_images=[second])
    return target.getvalue()


def photo_with_place():
    """A photo of a phone that was held upright: its pixels lie, its EXIF says so.

    40 by 20 pixels, the left half red, to be turned to the right; with its place.
    """
    image = Image.new("RGB", (40, 20), "blue")
    image.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation
    exif[0x010F] = "Maker of phones"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # GPSLatitude
    target = BytesIO()
    image.save(target, "JPEG", exif=exif, quality=95, subsampling=0)
    return target.getvalue()
