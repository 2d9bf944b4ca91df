"""The documents of an ASMX service: WSDL, discovery document, help page, and a page for each operation."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files
from inspect import signature
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from markupsafe import Markup, escape
from spyne import Boolean
from spyne.model.enum import EnumBase

from spyne_asmx import wsdl
from spyne_asmx.bindings import Binding
from spyne_asmx.curl import curl_line
from spyne_asmx.docstrings import paragraphs_of
from spyne_asmx.http import XML_TEXT, Response
from spyne_asmx.messages import Parameter
from spyne_asmx.operations import Operation, OperationTable
from spyne_asmx.samples import (
    NO_EXAMPLE,
    PLACEHOLDER_END,
    PLACEHOLDER_START,
    TITLES,
    Example,
    answer_document,
    samples,
)
from spyne_asmx.typenames import is_value, type_name

if TYPE_CHECKING:
    from jinja2 import Environment

_CACHE_CONTROL = ("cache-control", "private, max-age=0")
_HTML = ("content-type", "text/html; charset=utf-8")
_MAX_FIELDS = 16
_MAX_DOCUMENTS = 64

# The characters of a URI (RFC 3986). All others are percent-encoded: a client may have made up the address.
_URI_CHARACTERS = "%:/?#[]@!$&'()*+,;=~"
_PASSWORD = re.compile("pwd|password", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages show besides the operations' own descriptions.

    ``product`` is the name and version of the program, for the titles. ``examples`` are calls by operation.
    """

    product: str = ""
    examples: Mapping[str, Example] = field(default_factory=dict)


NO_PAGES = Pages()


@dataclass(frozen=True, slots=True)
class Field:
    """One input of an operation's test form."""

    name: str
    hint: str
    meaning: str
    is_password: bool
    is_required: bool
    choices: tuple[str, ...]


class Documentation:
    """Answers requests for an .asmx file's documents.

    Its constructor raises TypeError if the operations' types make no valid WSDL, or an example fits no operation.
    """

    def __init__(
        self, operations: OperationTable, name: str, bindings: frozenset[Binding], pages: Pages = NO_PAGES
    ) -> None:
        self._operations = operations
        self._name = name
        self._bindings = bindings
        self._pages = pages
        for operation, example in pages.examples.items():
            _check_example(operations, operation, example)
        self._document = lru_cache(_MAX_DOCUMENTS)(self._make_document)
        wsdl.build_wsdl(operations, name, "", bindings)

    def answer(self, query: str, address: str) -> Response:
        """The document that a query string asks for. The query is as sent.

        ``address`` is the public address of the .asmx file, which the documents contain. A client can make up its Host,
        so documents are cached for a few addresses only.
        """
        address = quote(address, safe=_URI_CHARACTERS)
        what, value = _asked_for(query)
        if what != "op":
            return self._document(what, address)
        name = value if value in self._operations.by_name else self._operations.in_other_case(value)
        return self._document(f"op {name}", address) if name else self._help_page(address, unknown=value)

    def _make_document(self, what: str, address: str) -> Response:
        if what == "wsdl":
            return _xml(wsdl.build_wsdl(self._operations, self._name, address, self._bindings))
        if what == "disco":
            return _xml(wsdl.build_disco(self._operations, self._name, address, self._bindings))
        if what.startswith("op "):
            return self._operation_page(self._operations.by_name[what[3:]], address)
        return self._help_page(address)

    def _help_page(self, address: str, unknown: str = "") -> Response:
        return _page(
            "help.html",
            404 if unknown else 200,
            service=self._name,
            product="" if unknown else self._pages.product,  # whoever only tries addresses learns no version
            namespace=self._operations.namespace,
            paragraphs=paragraphs_of(self._operations.documentation),
            operations=[(each.name, next(iter(each.notes.paragraphs), "")) for each in self._operations],
            address=address,
            soap=_names(self._bindings, Binding.SOAP11, Binding.SOAP12),
            forms=_names(self._bindings, Binding.GET, Binding.POST),
            unknown="".join(character if character.isprintable() else "\ufffd" for character in unknown),
        )

    def _operation_page(self, operation: Operation, address: str) -> Response:
        example = self._pages.examples.get(operation.name, NO_EXAMPLE)
        # Links are relative, so they work behind any proxy; the operations' paths begin with the file's name.
        return _page(
            "operation.html",
            200,
            script=_script(),
            service=self._name,
            product=self._pages.product,
            file=quote(address.rpartition("/")[2], safe="%"),
            operation=operation.name,
            paragraphs=operation.notes.paragraphs,
            errors=operation.notes.errors,
            fields=_form_fields(operation),
            fits_forms=operation.fits_forms,
            has_form=operation.fits_forms and Binding.POST in self._bindings,
            answer=answer_document(operation, example),
            curl=curl_line(operation, address, self._bindings, example),
            samples=samples(operation, address, self._bindings, example),
        )


def _check_example(operations: OperationTable, name: str, example: Example) -> None:
    """Raise TypeError if the example's operation or one of its parameters does not exist."""
    operation = operations.by_name.get(name)
    if operation is None:
        raise TypeError(f"{name}: there is an example, but no such operation")
    unknown = set(example.values) - {parameter.argument for parameter in operation.parameters}
    if unknown:
        raise TypeError(f"{name}: the example has {', '.join(sorted(unknown))}, which is no parameter")


def _asked_for(query: str) -> tuple[str, str]:
    """Which document a query names, in any letter case, and that name's value; the help page by default."""
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        fields = []
    for name, value in fields:
        if name.lower() in {"wsdl", "disco"} or (name.lower() == "op" and value):
            return name.lower(), value
    return "help", ""


def _names(bindings: frozenset[Binding], *wanted: Binding) -> str:
    """The names of the wanted bindings that are on."""
    return " and ".join(TITLES[binding] for binding in wanted if binding in bindings)


def _form_fields(operation: Operation) -> list[Field]:
    """The operation's parameters. A docstring may name them as the wire does or as the function does."""
    meanings = operation.notes.parameters
    python_names = list(signature(operation.function).parameters)[-len(operation.parameters) :]
    return [
        _field(parameter, meanings.get(parameter.argument) or meanings.get(python_name, ""))
        for parameter, python_name in zip(operation.parameters, python_names, strict=False)
    ]


def _field(parameter: Parameter, meaning: str) -> Field:
    kind = parameter.field_type
    return Field(
        name=parameter.argument,
        meaning=meaning,
        hint=type_name(kind) + ("" if parameter.required_in_forms else ", optional"),
        is_password=bool(_PASSWORD.search(parameter.argument)),
        is_required=parameter.required_in_forms and is_value(kind),
        choices=_choices(kind, may_be_empty=not parameter.required_in_forms),
    )


def _choices(spyne_type: Any, *, may_be_empty: bool) -> tuple[str, ...]:
    """The choices of a field; empty if the field is typed in."""
    if issubclass(spyne_type, EnumBase):
        choices = tuple(spyne_type.__values__)
    elif issubclass(spyne_type, Boolean):
        choices = ("true", "false")
    else:
        return ()
    return ("", *choices) if may_be_empty else choices


def _xml(body: bytes) -> Response:
    return Response(200, (XML_TEXT, _CACHE_CONTROL), body)


def _page(template: str, status: int, script: str = "", **values: Any) -> Response:
    body = _environment().get_template(template).render(script=Markup(script), **values)  # noqa: S704 -- our own file
    policy = ("content-security-policy", content_security_policy(_style(), script))
    return Response(status, (_HTML, _CACHE_CONTROL, policy), body.encode())


def _style() -> str:
    return _file("style.css")


def _script() -> str:
    return _file("operation.js")


@cache
def _file(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")


@cache
def _environment() -> "Environment":
    """The templates. Jinja is imported when the first page is shown: most servers never show one."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = Markup(_style())  # noqa: S704 -- our own file
    environment.filters["marked"] = _mark_placeholders
    return environment


@cache
def content_security_policy(style: str, script: str = "") -> str:
    """A page may show its own style and icon, run its own script, and call its own server; nothing else."""
    may_run = f"script-src {_digest(script)}; connect-src 'self'; " if script else ""
    return (
        f"default-src 'none'; style-src {_digest(style)}; {may_run}img-src data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )


def _digest(text: str) -> str:
    """The hash by which a Content Security Policy allows an inline style or script."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _mark_placeholders(sample: str) -> Markup:
    marked = str(escape(sample)).replace(PLACEHOLDER_START, "<var>").replace(PLACEHOLDER_END, "</var>")
    return Markup(marked)  # noqa: S704 -- escaped above
