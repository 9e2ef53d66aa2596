"""An upload between its preview and its confirmation, and the rows it had refused."""

from __future__ import annotations

import gzip
import os
import secrets
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, cast

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.core.files.uploadedfile import UploadedFile
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext as _

from products.admin_pages import import_form
from products.admin_pages.import_form import UploadForm
from products.catalog.importing import CatalogImport
from products.catalog.reading.presets import PresetName
from products.catalog.reading.source import GZIP_MAGIC, Format, SourceError, open_source
from products.catalog.reading.tables import Quoting
from products.catalog.rejects_file import Rejects

PREFIX = "vectorshop-import-"  # of the temporary folders
KEEP_SECONDS = 3600
SESSION_KEY = "product_upload"


@dataclass(frozen=True)
class Upload:
    """A file in a folder that only this server can read; *token* confirms it.

    Once it is imported the token is "" and only its refused rows are there.
    """

    token: str
    folder: str
    name: str
    format: str
    delimiter: str
    quoting: str
    preset: str
    encoding: str
    columns: dict[str, str]

    @property
    def catalogue(self) -> Path:
        return Path(self.folder, "catalogue")

    @property
    def refused(self) -> Path:
        """The file of the refused rows, which is missing when there are none."""
        return Path(self.folder, "refused.csv")

    @contextmanager
    def opened(self, *, dry_run: bool) -> Iterator[tuple[CatalogImport, Rejects]]:
        """Yield the import of the file, and where to put the rows it refuses.

        A dry run ends at PREVIEW_ROWS or PREVIEW_SECONDS.

        Raises SourceError when the file cannot be read, OSError when the refused rows
        cannot be written.
        """
        os.utime(self.folder)  # the hour begins again
        with (
            open_source(
                str(self.catalogue),
                format=Format(self.format),
                encoding=self.encoding,
                name=self.name,
                hints=import_form.HINTS,
            ) as source,
            Rejects(self.refused) as rejects,
        ):
            job = CatalogImport(
                source,
                columns=self.columns,
                delimiter=self.delimiter,
                quoting=Quoting(self.quoting),
                preset=PresetName(self.preset),
                dry_run=dry_run,
                embed=False,  # would take longer than a request may; see embed_some()
                keep_index=True,
            )
            if dry_run:
                job.max_rows = import_form.PREVIEW_ROWS
                job.max_seconds = import_form.PREVIEW_SECONDS
            job.on_refusal = rejects.add
            yield job, rejects

    def delete(self) -> None:
        with suppress(FileNotFoundError):  # after an hour it may be gone already
            shutil.rmtree(self.folder)


# In the session


def remember(request: HttpRequest, upload: Upload) -> None:
    request.session[SESSION_KEY] = asdict(upload)


def remembered(request: HttpRequest) -> Upload | None:
    """Return the upload of this session, None after its hour.

    Its files may be gone, or on another server.
    """
    kept = request.session.get(SESSION_KEY)
    upload = Upload(**kept) if kept else None
    return None if upload is None or is_old(Path(upload.folder)) else upload


def forget(request: HttpRequest) -> None:
    """Delete the upload of this session, and its refused rows."""
    if kept := request.session.pop(SESSION_KEY, None):
        Upload(**kept).delete()


def keep_refused_only(request: HttpRequest, upload: Upload) -> None:
    """Delete the file that is imported; keep what was refused, if anything."""
    if not upload.refused.is_file():
        forget(request)
        return
    upload.catalogue.unlink(missing_ok=True)
    remember(request, replace(upload, token=""))


@receiver(user_logged_out)
def forget_on_logout(request: HttpRequest, **kwargs: Any) -> None:
    """Delete the upload: nobody could confirm or download it any more."""
    forget(request)


# On the disk


def keep(form: UploadForm) -> Upload:
    """Return the upload, written to a private temporary folder, unpacked.

    Raises SourceError when the file is too large unpacked, or not a whole gzip file,
    OSError when the folder cannot be made.
    """
    data = form.cleaned_data
    upload = Upload(
        token=secrets.token_urlsafe(),
        folder=tempfile.mkdtemp(prefix=PREFIX, dir=settings.UPLOAD_DIR),
        name=data["file"].name,
        format=str(data["format"]),
        delimiter=data["delimiter"],
        quoting=data["quoting"] or Quoting.AUTO,
        preset=data["preset"] or PresetName.AUTO,
        encoding=data["encoding"],
        columns=form.columns(),
    )
    try:
        with upload.catalogue.open("wb") as file:
            copy(data["file"], file)
    except (OSError, EOFError, zlib.error) as err:
        upload.delete()
        raise SourceError(
            _("The file cannot be kept or unpacked: %(error)s") % {"error": err}
        ) from err
    except SourceError:
        upload.delete()
        raise
    return upload


def copy(upload: UploadedFile[Any], target: IO[bytes]) -> None:
    """Copy an upload, unpacked. Raises SourceError when that is too large."""
    packed = upload.read(2) == GZIP_MAGIC
    upload.seek(0)
    source = gzip.GzipFile(fileobj=cast(Any, upload)) if packed else upload
    size = 0
    while data := source.read(1 << 16):
        size += len(data)
        if size > import_form.MAX_BYTES:
            raise SourceError(
                _(
                    "The file is larger than %(most)d MB. Import it on the server, "
                    "where it may be of any size: manage.py import_products FILE"
                )
                % {"most": import_form.MAX_BYTES // 10**6}
            )
        target.write(data)


def is_old(folder: Path) -> bool:
    """Return whether a folder is there and nobody used it within an hour."""
    return folder.exists() and time.time() - folder.stat().st_mtime > KEEP_SECONDS


def delete_old_uploads() -> None:
    """Delete what nobody confirmed within an hour, and old refused rows."""
    place = Path(settings.UPLOAD_DIR or tempfile.gettempdir())
    for folder in place.glob(f"{PREFIX}*"):
        # Another process may delete the folder too, or it may be another user's.
        with suppress(FileNotFoundError, PermissionError):
            if folder.is_dir() and not folder.is_symlink() and is_old(folder):
                shutil.rmtree(folder)
