"""The dashboard's files: what is served, to whom, and under which policy."""

import re

import pytest

from dashboard.blueprint import FRAME, FUNCTION_NAME, INDEX, STATIC, files, respond, serve
from fanout.naming import functions

SOURCES = sorted(path for path in STATIC.rglob("*") if path.suffix in (".js", ".html", ".css"))
ELSEWHERE = re.compile(r"(?:https?:)?//(?!www\.w3\.org/)[\w.-]+\.\w+")
MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(")
INLINE = re.compile(r"\son\w+=|\sstyle=|<style|<script>|javascript:")


@pytest.mark.parametrize("name", sorted(files()))
def test_every_file_is_served_with_its_type_and_a_strict_policy(name: str):
    answer = respond(name, {})
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert ("unsafe-inline" in policy) == (name == FRAME)
    assert "unsafe-eval" not in policy and "frame-ancestors" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_what_a_run_rendered_is_shown_without_an_origin():
    policy = respond(FRAME, {}).headers["Content-Security-Policy"]
    assert "sandbox allow-scripts" in policy and "allow-same-origin" not in policy
    assert "connect-src" not in policy  # default-src 'none' stands for it


def test_a_file_that_the_browser_has_is_not_sent_again():
    tag = respond(INDEX, {}).headers["ETag"]
    again = respond(INDEX, {"If-None-Match": tag})
    assert (again.status_code, again.get_body()) == (304, b"")
    assert respond(INDEX, {"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["none.js", "../blueprint.py", "..%2fblueprint.py", "/etc/passwd"])
def test_nothing_else_is_served(path: str):
    assert serve(f"http://x/api/dashboard/{path}", path, {}).status_code == 404


def test_the_page_has_an_address_without_a_slash():
    page = serve("http://x/api/dashboard", "", {})
    assert page.get_body() == (STATIC / INDEX).read_bytes()
    led = serve("http://x/api/dashboard/", "", {})
    assert (led.status_code, led.headers["Location"]) == (308, "../dashboard")


def test_the_function_is_called_as_names_has_it():
    assert FUNCTION_NAME == functions.DASHBOARD


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_file_names_another_host_or_makes_markup_of_data(path):
    text = path.read_text(encoding="utf-8")
    assert ELSEWHERE.findall(text) == []
    assert MARKUP.findall(text) == []
    if path.suffix == ".html":
        assert INLINE.findall(text) == []


def test_modules_import_only_files_that_are_there():
    for path in STATIC.rglob("*.js"):
        for target in re.findall(r'from "(\.[\w./]+)"', path.read_text(encoding="utf-8")):
            name = (path.parent / target).resolve().relative_to(STATIC.resolve()).as_posix()
            assert name in files(), f"{path.name} imports {target}"


def test_no_module_is_longer_than_300_lines():
    long = [path.name for path in SOURCES if len(path.read_text().splitlines()) > 300]
    assert long == []
