"""The two fields of a form for a product's picture: a file, or an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _, gettext_lazy

from products.pictures.reference import host_of, is_elsewhere
from products.pictures.uploads import Upload, read_upload

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:  # not subscriptable when it runs
    ModelForm = forms.ModelForm


class PictureForm(ModelForm):
    """A form for a product with the field `image`, which a file may fill as well.

    The file is stored by save(), and only there: visitors whose form is refused, or who
    only look, cannot fill the disk. A browser sends a file once, so a form that is shown
    again asks for it again.
    """

    upload: Upload | None = None

    image_file = forms.FileField(
        label=gettext_lazy("Picture from a file"),
        required=False,
        help_text=gettext_lazy("JPEG, PNG or WebP, of at most 10 MB."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )

    def clean_image(self) -> str:
        image: str = self.cleaned_data["image"]
        if "image" in self.changed_data and is_elsewhere(image):
            raise ValidationError(
                _("Pictures at %(host)s are not shown here. Choose a file instead."),
                params={"host": host_of(image)},
                code="elsewhere",
            )
        return image

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.add_prefix("image_file") in self.files:
            self.fields["image_file"].help_text = _(
                "Choose the picture again: it is stored together with the product."
            )

    def unchecked(self) -> Self:
        """Return the form with what was typed, without a word on what is missing."""
        form = type(self)(initial=self.typed(), label_suffix=self.label_suffix)
        form.fields["image_file"].help_text = self.fields["image_file"].help_text
        return form

    def typed(self) -> dict[str, Any]:
        """Return what was typed, checked or not."""
        return {name: self.data[name] for name in self.data}

    def clean(self) -> dict[str, Any]:
        """Read the file, if there is one; it counts before the address."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not (file := data.get("image_file")):
            return data
        try:
            self.upload = read_upload(file)
        except ValidationError as err:
            self.add_error("image_file", err)
            return data
        data["image"] = self.upload.reference
        return data

    def save(self, commit: bool = True) -> Any:
        """Store the file and return the product, saved if *commit*."""
        product = super().save(commit)
        if self.upload:
            self.upload.store()
        return product
