"""Route templates of HTTP functions."""

import pytest

from localhost.http.routing import Route, RouteError, Router, Template, decode_path


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/runs", "/api/runs", {}),
        ("api/runs", "/API/Runs/", {}),
        ("api/runs", "/api/runs/1", None),
        ("runs/{id}", "/runs/A-b", {"id": "A-b"}),
        ("runs/{id}", "/runs", None),
        ("runs/{id?}", "/runs", {}),
        ("runs/{id:int?}", "/runs/12", {"id": "12"}),
        ("runs/{id:int?}", "/runs", {}),
        ("runs/{id:int?}", "/runs/x", None),
        ("a/{x=5}/{y=6}", "/a", {"x": "5", "y": "6"}),
        ("a/{x=5}/{y=6}", "/a/1", {"x": "1", "y": "6"}),
        ("a/{x:int=5}", "/a/z", None),
        ("files/{*rest}", "/files/a/b%20c", {"rest": "a/b c"}),
        ("files/{**rest}", "/files/a/b", {"rest": "a/b"}),
        ("files/{*rest}", "/files", {}),
        ("files/{*rest}", "/files/a%2Fb", {"rest": "a%2Fb"}),
        ("f/{name}.{ext?}", "/f/a.b.txt", {"name": "a.b", "ext": "txt"}),
        ("f/{name}.{ext?}", "/f/a", {"name": "a"}),
        ("m/{a}-{b}", "/m/x-y-z", {"a": "x-y", "b": "z"}),
        ("m/{a}-{b}", "/m/x", None),
        ("p/{n:int:range(1,5)}", "/p/5", {"n": "5"}),
        ("p/{n:int:range(1,5)}", "/p/6", None),
        (r"s/{n:regex(^\d{{3}}-\d{{2}}$)}", "/s/123-45", {"n": "123-45"}),
        (r"s/{n:regex(^\d{{3}}-\d{{2}}$)}", "/s/1-2", None),
        ("r/{n:regex(^(a/b|c:d)$)}/x", "/r/c:d/x", {"n": "c:d"}),
        ("lit{{eral}}", "/lit{eral}", {}),
        ("u/{x}", "/u/%C3%A9", {"x": "é"}),
    ],
)
def test_a_template_matches_as_aspnet_core_does(
    template: str, path: str, values: dict[str, str] | None
) -> None:
    assert Template(template).match(decode_path(path)) == values


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        ("int", ["1", "-5", "2147483647"], ["1.5", "x", "2147483648", "9" * 5000, "-2147483649"]),
        ("long", ["9223372036854775807"], ["9223372036854775808", "9" * 5000]),
        ("bool", ["true", "FALSE"], ["1", "yes"]),
        ("datetime", ["2016-12-31", "2016-12-31T19:32", "2016-12-31 7:32pm"], ["tomorrow", "13"]),
        ("decimal", ["49.99", "-1"], ["1e5", "x"]),
        ("double", ["1.234", "-1.0e8"], ["x"]),
        ("float", ["1.5"], ["1.5f"]),
        ("guid", ["cd2c1638-1638-72d5-1638-deadbeef1638"], ["cd2c1638", "z" * 32]),
        ("alpha", ["Rick"], ["R2"]),
        ("required", ["x"], []),
        ("minlength(4)", ["abcd"], ["abc"]),
        ("maxlength(3)", ["abc"], ["abcd"]),
        ("length(2)", ["ab"], ["abc"]),
        ("length(2,3)", ["ab", "abc"], ["a", "abcd"]),
        ("min(18)", ["18", f"{'0' * 5000}18"], ["17", "x", "9" * 5000]),
        ("max(120)", ["120"], ["121"]),
        ("range(18,120)", ["91"], ["17", "121"]),
    ],
)
def test_a_constraint_lets_through_only_its_own(
    constraint: str, good: list[str], bad: list[str]
) -> None:
    template = Template(f"x/{{v:{constraint}}}")
    for value in good:
        assert template.match(f"x/{value}") == {"v": value}
    for value in bad:
        assert template.match(f"x/{value}") is None


@pytest.mark.parametrize(
    "template",
    [
        "a/{x",
        "a/x}",
        "a/{}",
        "a/{x:nonsense}",
        "a/{x:min(a)}",
        "a/{x:range(1)}",
        "a/{x?}/b",
        "a/{*x}/b",
        "a/{x}/{X}",
        "a/{x}{y}",
        "a/{x:regex(()}",
        "a/{x?=5}",
    ],
)
def test_a_template_that_cannot_be_read_is_refused(template: str) -> None:
    with pytest.raises(RouteError):
        Template(template)


def test_the_first_route_that_takes_the_method_wins() -> None:
    router = Router(
        [
            Route("a/{x}", frozenset({"GET"}), "first"),
            Route("a/b", frozenset({"GET"}), "second"),
            Route("a/{y}", frozenset(), "any"),
        ]
    )
    assert router.match("get", "/a/b") == ("first", {"x": "b"})
    assert router.match("PATCH", "/a/b") == ("any", {"y": "b"})
    assert router.match("GET", "/b") is None


@pytest.mark.parametrize(
    ("path", "decoded"),
    [
        ("/a%20b/%C3%A9/", "a b/é"),
        ("/a%2Fb%2fc", "a%2Fb%2fc"),
        ("/a%FFb", "a%FFb"),
        ("/%c3%28", "%c3("),
        ("/%E2%82", "%E2%82"),
        ("/%E2%82%C3%A9%ff%41", "%E2%82é%ffA"),
        ("/%ED%A0%80", "%ED%A0%80"),
        ("/100%", "100%"),
        ("/%zz", "%zz"),
    ],
)
def test_a_path_is_decoded_but_for_slashes_and_what_is_no_utf_8(path: str, decoded: str) -> None:
    assert decode_path(path) == decoded


def test_a_parameter_may_have_a_line_break():
    assert Template("runs/{run_id}").match(decode_path("/runs/a%0Ab")) == {"run_id": "a\nb"}
    assert Template("files/{*path}").match(decode_path("/files/a/%0Ab")) == {"path": "a/\nb"}
