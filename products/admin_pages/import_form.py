"""The form of the admin's page "Import": a file, and how to read it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy as _

from products.catalog.checking import COLUMNS
from products.catalog.reading.presets import PRESETS, PresetName
from products.catalog.reading.source import (
    Format,
    Hints,
    SourceError,
    checked_encoding,
    format_of,
)
from products.catalog.reading.tables import Quoting

# What a request can import before a proxy gives up on it; counted unpacked.
MAX_BYTES = 20_000_000

# How much of a file a preview reads, so that no upload keeps a worker busy.
PREVIEW_ROWS = 20_000
PREVIEW_SECONDS = 5.0

# The hints of messages, in the words of the form.
HINTS = Hints(
    delimiter=_("Choose the semicolon."),
    quoted=_("upload the file again with the quoting of CSV"),
    encoding=_("upload it again with its encoding, such as cp1252"),
    json_lines=_("For one object per line choose JSONL."),
    column=_("Fill in which one has the %(column)s."),
)


COLUMN_LABELS = {
    "sku": _("Column with the sku"),
    "name": _("Column with the name"),
    "category": _("Column with the category"),
    "description": _("Column with the description"),
    "price": _("Column with the price"),
    "image": _("Column with the picture"),
}


class UploadForm(forms.Form):
    """A catalogue file, and how to read it."""

    file = forms.FileField(
        label=_("File"),
        help_text=format_lazy(
            _("CSV, TSV, JSON or JSON Lines, also packed by gzip, up to {most} MB."),
            most=MAX_BYTES // 10**6,
        ),
    )
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[
            ("", _("by the ending of its name")),
            *((f, f.upper()) for f in Format),
        ],
        required=False,
    )
    delimiter = forms.ChoiceField(
        label=_("Delimiter"),
        choices=[
            ("", _("usual for the format")),
            (",", _("comma")),
            (";", _("semicolon")),
            ("\t", _("tab")),
            ("|", _("vertical bar")),
        ],
        required=False,
        help_text=_("What separates the columns of a CSV file."),
    )
    quoting = forms.ChoiceField(
        label=_("Quoting"),
        choices=[
            (Quoting.AUTO, _("usual for the format")),
            (Quoting.NONE, _("none: quotes are part of the text")),
            (Quoting.CSV, _("that of CSV: quotes enclose texts")),
        ],
        required=False,
        help_text=_("In TSV usually none, unless the names of the columns are quoted."),
    )
    preset = forms.ChoiceField(
        label=_("Exported by"),
        choices=[
            (PresetName.AUTO, _("what the names of the columns show")),
            (PresetName.NONE, _("none of these shops")),
            *((name, preset.label) for name, preset in PRESETS.items()),
        ],
        required=False,
        help_text=_("Whose names of columns the file has."),
    )
    encoding = forms.CharField(
        label=_("Encoding"),
        initial="utf-8",
        required=False,
        max_length=40,
        help_text=_("Such as utf-8, or cp1252 for files of older Windows programs."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in COLUMNS:
            self.fields[f"column_{name}"] = forms.CharField(
                required=False,
                max_length=200,
                label=COLUMN_LABELS[name],
                help_text=gettext("When it is not called %(name)s in the file.")
                % {"name": name},
            )

    def clean_encoding(self) -> str:
        """Return the encoding's usual name."""
        try:
            return checked_encoding(self.cleaned_data["encoding"] or "utf-8")
        except SourceError as err:
            raise forms.ValidationError(str(err)) from err

    def clean(self) -> dict[str, Any]:
        """Find out the format, when it was not given."""
        data = super().clean() or self.cleaned_data
        if data.get("file") and not data.get("format"):
            try:
                data["format"] = format_of(data["file"].name)
            except SourceError:
                self.add_error(
                    "format", _("The file name does not show the format. Choose one.")
                )
        return data

    def columns(self) -> dict[str, str]:
        """Return what the file calls each column that has another name there."""
        names = {name: self.cleaned_data[f"column_{name}"] for name in COLUMNS}
        return {name: given for name, given in names.items() if given}

    def add_problem(self, err: Exception, message: str) -> None:
        """Show a message beside the field that can help, or beside the file."""
        choice = err.choice if isinstance(err, SourceError) else ""
        self.add_error(choice or "file", message)
