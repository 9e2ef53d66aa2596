"""The forms of the admin's synonyms: one entry, and a file of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from products.catalog.reading.source import Hints, SourceError, format_of
from products.models import Synonym
from products.search.synonym_entries import (
    Entry,
    check,
    check_size,
    meaning,
    split_words,
    stored_entries,
    wordings,
)
from products.synonyms import MAX_LENGTH, MAX_WORDS

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Synonym]
else:  # Django's class takes no type argument at run time
    ModelForm = forms.ModelForm

MAX_BYTES = 200_000

HINTS = Hints(
    delimiter=_("Save it with commas."),
    quoted=_("put each column in quotes"),
    encoding=_("save it as UTF-8"),
    json_lines="",
    column="",
)


class WordsField(forms.CharField):
    """Words with commas between them, as a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_WORDS * (MAX_LENGTH + 2), **kwargs)
        self.widget.attrs["class"] = "vTextField"

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return split_words(super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return split_words(data or "") != (initial or [])


class SynonymForm(ModelForm):
    """A synonym, checked as the search folds its words."""

    words = WordsField(
        label=_("Words"),
        help_text=_("Words or phrases, with commas between: sofa, couch, settee"),
    )
    finds = WordsField(
        required=False,
        label=_("Also finds"),
        help_text=_(
            "Leave this empty if all the words mean the same. Otherwise a search for "
            "any of the words also finds these, and not the other way round: tv also "
            "finds television. The search uses a change at once; if the shop runs in "
            "several processes, all of them use it within a minute."
        ),
    )

    class Meta:
        model = Synonym
        fields = ["words", "finds"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if {"words", "finds"} <= data.keys():
            self.check(Entry(data["words"], data["finds"]))
        return data

    def check(self, entry: Entry) -> None:
        """Raise ValidationError for an entry that cannot be used or is there already."""
        using = self.instance._state.db or "default"
        others = stored_entries(using, without=[self.instance.pk])
        check_size([entry, *others])
        sides = [side for one in (entry, *others) for side in one]
        known = wordings([word for side in sides for word in side], using)
        check(entry, known)
        if meaning(entry, known) in [meaning(other, known) for other in others]:
            raise forms.ValidationError(
                _("The same synonyms are there already. Change those.")
            )


class SynonymFileForm(forms.Form):
    """A file of synonyms."""

    file = forms.FileField(
        label=_("File"),
        help_text=format_lazy(
            _(
                "CSV or TSV in UTF-8, up to {most} kB. The first line names the "
                "columns: words,finds. A line such as “sofa, couch”, in quotes and "
                "with the second column empty, works both ways; tv,television one way."
            ),
            most=MAX_BYTES // 1000,
        ),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(
                _(
                    "The file is larger than %(most)d kB. Import it on the server: "
                    "manage.py import_synonyms FILE"
                ),
                params={"most": MAX_BYTES // 1000},
            )
        try:
            self.cleaned_data["format"] = format_of(file.name)
        except SourceError as err:
            raise forms.ValidationError(
                _("The name of the file does not end in .csv or .tsv. Rename it.")
            ) from err
        return file
