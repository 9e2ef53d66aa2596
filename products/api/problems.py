"""What goes wrong in an operation, as a problem document of RFC 9457.

Raise Problem where no other exception says it. What comes from outside the operations,
such as a database that is away, is answered by vectorshop.errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from typing import Any, NoReturn

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, RawPostDataException
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, Throttled, ValidationError
from pydantic import Field

from products.catalog.one_product import InvalidProduct
from products.search import SearchError
from products.turns import BusyError
from vectorshop.problems import MEDIA_TYPE, PLAIN, problem

BUSY_SECONDS = 5
JSON = "application/json"


class Kind(Enum):
    """The problems that more is known of than their status: type and title."""

    PLAIN = (PLAIN, "")
    INVALID = ("urn:vectorshop:problem:invalid", "A value of the request is wrong")
    CURSOR = ("urn:vectorshop:problem:cursor", "The cursor cannot be used")
    MODEL_SWITCHED = (
        "urn:vectorshop:problem:model-switched",
        "The embedding model was switched",
    )

    @property
    def type(self) -> str:
        return self.value[0]

    @property
    def title(self) -> str:
        return self.value[1]


class Error(Schema):
    """What is wrong with one value of a request."""

    detail: str = Field(description="What is wrong, in words.")
    code: str = Field(description="What is wrong, for programs.")
    parameter: str | None = Field(
        None, description="The parameter of the address with the wrong value."
    )
    pointer: str | None = Field(
        None, description="The JSON pointer to the wrong value in the body."
    )


class ProblemDocument(Schema):
    """What went wrong, as RFC 9457 describes it."""

    type: str = Field(description="Which kind of problem it is, for programs.")
    title: str = Field(description="The kind in words.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="What went wrong, and what to do next.")
    errors: list[Error] | None = Field(
        None, description="What is wrong with each value."
    )


class Problem(Exception):
    """Ends an operation with a problem document."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: Kind = Kind.PLAIN,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.errors = errors
        self.headers = headers


def documented(*statuses: int, body: Any = None) -> dict[str, Any]:
    """Return what OpenAPI says of an operation besides its types, as openapi_extra.

    statuses: of its problems. body: an example of what is sent to it.
    """
    schema = {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
    said: dict[str, Any] = {
        "responses": {
            status: {
                "description": HTTPStatus(status).phrase,
                "content": {MEDIA_TYPE: {"schema": schema}},
            }
            for status in statuses
        }
    }
    if body is not None:
        said["requestBody"] = {"content": {"application/json": {"example": body}}}
    return said


def answer_problems(api: NinjaAPI) -> None:
    """Let the operations of *api* answer exceptions with problem documents."""
    for exception, answer in ANSWERS.items():
        api.add_exception_handler(exception, answer)


def raised(request: HttpRequest, err: Problem) -> HttpResponse:
    """Return the problem that an operation raised."""
    return problem(
        err.status,
        str(err),
        type=err.kind.type,
        title=err.kind.title,
        errors=err.errors,
        headers=err.headers,
    )


def invalid(request: HttpRequest, err: ValidationError) -> HttpResponse:
    """Return what is wrong with the parameters or the body of a request."""
    errors = list(errors_of(err))
    wrong = " ".join(
        f"{where_of(error)}: {error['detail'].rstrip('.')}." for error in errors
    )
    return raised(request, Problem(400, wrong, kind=Kind.INVALID, errors=errors))


def errors_of(err: ValidationError) -> Iterator[dict[str, str]]:
    """Yield each wrong value, with the parameter or the pointer that leads to it."""
    for error in err.errors:
        source, _argument, *path = error["loc"]
        found = {"detail": error["msg"], "code": error["type"]}
        if source == "body":
            steps = (str(s).replace("~", "~0").replace("/", "~1") for s in path)
            yield found | {"pointer": "#" + "".join(f"/{step}" for step in steps)}
        else:
            names = [step for step in error["loc"][1:] if isinstance(step, str)]
            yield found | {"parameter": names[-1]}


def where_of(error: Mapping[str, str]) -> str:
    """Return where in the request a wrong value is."""
    return error["parameter"] if "parameter" in error else error["pointer"]


def unstorable(request: HttpRequest, err: InvalidProduct) -> HttpResponse:
    """Return what an import would say of the values of a product."""
    errors = [
        {"detail": reason, "code": "refused"}
        | ({"parameter": "sku"} if name == "sku" else {"pointer": f"#/{name}"})
        for name, reason in err.reasons.items()
    ]
    return raised(request, Problem(400, str(err), kind=Kind.INVALID, errors=errors))


def unsearchable(request: HttpRequest, err: SearchError) -> HttpResponse:
    """Return why a question cannot be asked, with the value to change if it is one."""
    errors = []
    if err.argument:
        errors = [wrong_value(request, str(err), "unsearchable", err.argument)]
    return raised(request, Problem(400, str(err), kind=Kind.INVALID, errors=errors))


def wrong_value(
    request: HttpRequest, detail: str, code: str, name: str, *path: int
) -> dict[str, str]:
    """Return what is wrong with a value of a question: in the address, or in a body."""
    pointer = "".join(f"/{step}" for step in (name, *path))
    in_body = request.method == "POST"
    place = {"pointer": f"#{pointer}"} if in_body else {"parameter": name}
    return {"detail": detail, "code": code, **place}


def missing(request: HttpRequest, err: Http404) -> HttpResponse:
    """Return that there is no such thing."""
    return problem(404, str(err) or "There is nothing at this address.")


def refused(request: HttpRequest, err: HttpError) -> HttpResponse:
    """Return why ninja refused a request: its body is no JSON, that of most of them."""
    if err.status_code == HTTPStatus.BAD_REQUEST:
        if request.content_type != JSON:
            return unread(request, err)
        return problem(400, "The body is not JSON. /api/docs shows what to send.")
    return problem(err.status_code, str(err))


def throttled(request: HttpRequest, err: Throttled) -> HttpResponse:
    """Return that too much was asked; ninja adds when to ask again."""
    return problem(err.status_code, str(err))


def too_long(request: HttpRequest, err: RequestDataTooBig) -> HttpResponse:
    """Return that the body of a request is too long to be read."""
    return problem(413, "The body is too long. Send it in smaller parts.")


def unread(request: HttpRequest, err: Exception) -> HttpResponse:
    """Return that a form was sent in place of JSON, or something else."""
    return problem(415, f"Send JSON, with the header Content-Type: {JSON}.")


def busy(request: HttpRequest, err: BusyError) -> HttpResponse:
    """Return that others do what was asked for, and when to ask again."""
    detail = "Others ask for the same costly work. Ask again in a few seconds."
    return problem(503, detail, headers={"Retry-After": str(BUSY_SECONDS)})


def unexpected(request: HttpRequest, err: Exception) -> NoReturn:
    """Leave everything else to Django, which logs it and asks vectorshop.errors."""
    raise err


ANSWERS: dict[type[Exception], Any] = {
    Problem: raised,
    ValidationError: invalid,
    SearchError: unsearchable,
    InvalidProduct: unstorable,
    Http404: missing,
    HttpError: refused,
    Throttled: throttled,
    RequestDataTooBig: too_long,
    RawPostDataException: unread,
    BusyError: busy,
    Exception: unexpected,
}
