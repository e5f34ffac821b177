"""Routes of HTTP functions, which are route templates of ASP.NET Core.

Source: https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from localhost.http.route_constraints import Constraint, parse_constraint

T = TypeVar("T")
_CODED = re.compile("(?:%(?!2f)[0-9a-f]{2})+", re.IGNORECASE)


class RouteError(ValueError):
    """A route template cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A ``{...}`` of a template."""

    name: str
    constraints: tuple[Constraint, ...] = ()
    default: str | None = None
    is_optional: bool = False
    is_catch_all: bool = False

    @property
    def may_be_missing(self) -> bool:
        """Whether a path without it matches."""
        return self.is_optional or self.is_catch_all or self.default is not None


Part = str | Parameter


@dataclass(frozen=True, slots=True)
class Route(Generic[T]):
    """A template, the methods it takes (none: all) and its target."""

    template: str
    methods: frozenset[str]
    target: T


class Router(Generic[T]):
    """Finds the first route that takes a request, in the order they were added.

    Raises:
        RouteError: A template cannot be read.
    """

    def __init__(self, routes: Sequence[Route[T]]) -> None:
        self._routes = [(route, Template(route.template)) for route in routes]

    def match(self, method: str, raw_path: str) -> tuple[T, dict[str, str]] | None:
        """The target and the route's parameters; None if no route takes this request."""
        path = decode_path(raw_path)
        for route, template in self._routes:
            if route.methods and method.upper() not in route.methods:
                continue
            values = template.match(path)
            if values is not None:
                return route.target, values
        return None


class Template:
    """One template, ready to match paths.

    Raises:
        RouteError: It cannot be read.
    """

    def __init__(self, text: str) -> None:
        self._segments = [_parse_segment(part) for part in _split(text.strip("/"))]
        self._parameters = [
            part for segment in self._segments for part in segment if isinstance(part, Parameter)
        ]
        self._check(text)
        self._patterns = [re.compile(source, re.IGNORECASE) for source in self._sources()]

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of a decoded path without slashes at its ends; None if it differs."""
        for pattern in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                values = self._values(match)
                if values is not None:
                    return values
        return None

    def _values(self, match: re.Match[str]) -> dict[str, str] | None:
        values = {}
        groups = match.groupdict()
        for index, parameter in enumerate(self._parameters):
            value = groups.get(f"p{index}") or parameter.default
            if value is None:
                continue
            if not all(constraint(value) for constraint in parameter.constraints):
                return None
            values[parameter.name] = value
        return values

    def _check(self, text: str) -> None:
        names = [parameter.name.lower() for parameter in self._parameters]
        if len(names) != len(set(names)):
            raise RouteError(f"'{text}' has the same parameter twice")
        last = self._segments[-1][-1] if self._segments else ""
        for parameter in self._parameters:
            if (parameter.is_optional or parameter.is_catch_all) and parameter is not last:
                raise RouteError(f"'{text}': only its end can be optional or a catch-all")

    def _sources(self) -> list[str]:
        # The whole template, then without each trailing part that may be missing.
        segments = [list(segment) for segment in self._segments]
        sources = [self._source(segments)]
        while segments and _may_be_missing(segments[-1]):
            last = segments[-1]
            if len(last) == 1:
                segments.pop()
            else:  # `name.{extension?}`: the dot goes with the extension
                last.pop()
                last[-1] = str(last[-1]).removesuffix(".")
            sources.append(self._source(segments))
        return sources

    def _source(self, segments: Sequence[Sequence[Part]]) -> str:
        return "/".join("".join(map(self._part_source, segment)) for segment in segments)

    def _part_source(self, part: Part) -> str:
        if isinstance(part, str):
            return re.escape(part)
        group = f"p{self._parameters.index(part)}"
        return f"(?P<{group}>(?s:.*))" if part.is_catch_all else f"(?P<{group}>[^/]+)"


def decode_path(raw_path: str) -> str:
    """A path as templates see it, without slashes at its ends.

    As Kestrel decodes it: `%2F` stays, and what is no UTF-8 does, too.
    """
    return _CODED.sub(_decode_bytes, raw_path.strip("/"))


def _decode_bytes(match: re.Match[str]) -> str:
    text = match[0]
    data = bytes.fromhex(text.replace("%", ""))
    parts: list[str] = []
    start = 0
    while start < len(data):
        try:
            parts.append(data[start:].decode())
            break
        except UnicodeDecodeError as error:
            bad, end = start + error.start, start + error.end
            # Three characters of the text stand for a byte.
            parts += [data[start:bad].decode(), text[3 * bad : 3 * end]]
            start = end
    return "".join(parts)


def trigger_methods(binding: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The methods an HTTP trigger takes, in upper case; empty means every method."""
    return frozenset(method.upper() for method in binding.get("methods") or ())


def _may_be_missing(segment: Sequence[Part]) -> bool:
    last = segment[-1]
    if not isinstance(last, Parameter) or not last.may_be_missing:
        return False
    return len(segment) == 1 or (last.is_optional and str(segment[-2]).endswith("."))


def _split(text: str) -> list[str]:
    """Cut at slashes outside braces; a regex constraint may hold slashes."""
    segments, depth, current = [], 0, ""
    for char in text:
        depth += (char == "{") - (char == "}")
        if char == "/" and depth == 0:
            segments.append(current)
            current = ""
        else:
            current += char
    segments.append(current)
    return [segment for segment in segments if segment]


def _parse_segment(text: str) -> list[Part]:
    parts: list[Part] = []
    literal, position = "", 0
    while position < len(text):
        char = text[position]
        if text.startswith(("{{", "}}"), position):
            literal += char
            position += 2
        elif char == "{":
            end = _closing_brace(text, position)
            if literal:
                parts.append(literal)
            elif parts:
                raise RouteError(f"'{text}' has two parameters with nothing between them")
            parts.append(_parse_parameter(text[position + 1 : end]))
            literal, position = "", end + 1
        elif char == "}":
            raise RouteError(f"'{text}' has a '}}' that nothing opens")
        else:
            literal += char
            position += 1
    return [*parts, literal] if literal else parts


def _closing_brace(text: str, start: int) -> int:
    position = start + 1
    while position < len(text):
        if text.startswith(("{{", "}}"), position):
            position += 2
        elif text[position] == "}":
            return position
        else:
            position += 1
    raise RouteError(f"'{text}' has a '{{' that nothing closes")


_PARAMETER = re.compile(r"(?P<stars>\*{0,2})(?P<name>[^:=?*/{}]+)(?P<options>.*)", re.DOTALL)


def _parse_parameter(text: str) -> Parameter:
    unescaped = text.replace("{{", "{").replace("}}", "}")
    match = _PARAMETER.fullmatch(unescaped)
    if match is None:
        raise RouteError(f"'{{{text}}}' names no parameter")
    options = match["options"]
    is_optional = options.endswith("?")
    options = options.removesuffix("?")
    texts, default = _split_options(options)
    if (options and options[0] not in ":=") or (is_optional and default is not None):
        raise RouteError(f"'{{{text}}}' cannot be read")
    try:
        checks = tuple(parse_constraint(constraint) for constraint in texts)
    except ValueError as error:
        raise RouteError(f"'{{{text}}}': {error}") from error
    return Parameter(match["name"], checks, default, is_optional, bool(match["stars"]))


def _split_options(options: str) -> tuple[list[str], str | None]:
    """Cut `:a:b(c:d)=default` at colons and at the equals sign outside parentheses."""
    pieces: list[str] = []
    depth = 0
    for position, char in enumerate(options):
        depth += (char == "(") - (char == ")")
        if depth == 0 and char == "=":
            return pieces, options[position + 1 :]
        if depth == 0 and char == ":":
            pieces.append("")
        elif pieces:
            pieces[-1] += char
    return pieces, None
