"""The template engine of the shop's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.template.backends.base import BaseEngine
from django.utils.functional import cached_property

if TYPE_CHECKING:
    from django.template.backends.jinja2 import Jinja2, Template


class LazyJinja2(BaseEngine):
    """Django's engine for Jinja2, made with the first page.

    Every command checks the template engines; Jinja2, and what the shop's templates
    call, would cost each of them 25 ms.
    """

    app_dirname = "jinja2"

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        super().__init__(
            {name: value for name, value in params.items() if name != "OPTIONS"}
        )

    @cached_property
    def engine(self) -> Jinja2:
        from django.template.backends.jinja2 import Jinja2

        return Jinja2(self.params)

    def from_string(self, template_code: str) -> Template:
        return self.engine.from_string(template_code)

    def get_template(self, template_name: str) -> Template:
        return self.engine.get_template(template_name)
