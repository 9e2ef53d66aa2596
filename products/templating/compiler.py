"""Puts what is the same on every page into the compiled template.

A page has dozens of texts and addresses that do not change while the server runs. This
module looks them up once, when a template is compiled. Without it pages are the same,
apart from white space (a test compares them), and take longer to make.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

SPACES = re.compile(r"([ \n])[ \n]+")


class Settling(NodeTransformer):
    """Replaces calls by what they return, and removes the template's indentation.

    functions: what may be called while a template is compiled, by the name that
    templates use. A call stays a call unless all its arguments are constants.
    """

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.functions = functions

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Name):
            return node
        function = self.functions.get(node.node.name)
        if function is None or node.dyn_args or node.dyn_kwargs:
            return node
        try:
            args = [arg.as_const() for arg in node.args]
            kwargs = {kwarg.key: kwarg.value.as_const() for kwarg in node.kwargs}
        except nodes.Impossible:
            return node
        return nodes.Const(function(*args, **kwargs), lineno=node.lineno)

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:
        node.data = SPACES.sub(r"\1", node.data)
        return node
