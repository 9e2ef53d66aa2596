"""The two fields of a form for a product's picture: a file, or an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _, gettext_lazy

from products.pictures.reference import host_of, is_elsewhere
from products.pictures.uploads import store_upload

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:  # not subscriptable when it runs
    ModelForm = forms.ModelForm


class PictureForm(ModelForm):
    """A form for a product with the field `image`, which a file may fill as well."""

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

    def typed(self) -> dict[str, Any]:
        """Return what was typed, checked or not."""
        return {name: self.data[name] for name in self.data}

    def clean(self) -> dict[str, Any]:
        """Store the file, if there is one; it counts before the address.

        A browser sends a file once: if the form is shown again, `image` holds it.
        """
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not (file := data.get("image_file")):
            return data
        try:
            data["image"] = store_upload(file)
        except ValidationError as err:
            self.add_error("image_file", err)
            return data
        self.data = {**self.typed(), self.add_prefix("image"): data["image"]}
        self["image_file"].help_text = _(
            "Your picture is kept. Choose a file to replace it."
        )
        return data
