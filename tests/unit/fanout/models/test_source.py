"""Sources that make no sense are refused, and each says what containers it has read."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from fanout.models.source import Source, containers_of

SOURCE: TypeAdapter[Any] = TypeAdapter(Source)
BLOB = {"container": "inbox", "blob": "rows"}


def source(**fields: Any) -> Any:
    return SOURCE.validate_python(fields)


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "../a", "a/./b", "a\\b", "..", "a" * 1025]
)
def test_a_blob_name_leads_to_no_other_container(name: str):
    with pytest.raises(ValidationError):
        source(kind="csv", container="inbox", blob=name)


@pytest.mark.parametrize("name", ["In", "ab", "in_box", "-inbox", "inbox-", "a" * 64, "inbox/a"])
def test_a_container_name_is_one_of_azure(name: str):
    with pytest.raises(ValidationError):
        source(kind="csv", container=name, blob="rows")


@pytest.mark.parametrize(
    ("fields", "blob", "codec"),
    [
        ({}, "rows.csv.gz", "gzip"),
        ({}, "rows.csv.ZST", "zstd"),
        ({}, "rows.csv", None),
        ({"compression": "none"}, "rows.csv.gz", None),
        ({"compression": "zstd"}, "rows.csv.gz", "zstd"),
    ],
)
def test_compression_goes_by_the_name_unless_it_is_given(fields: Any, blob: str, codec: str | None):
    assert source(kind="csv", **BLOB, **fields).codec(blob) == codec


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "\r", "é"])
def test_a_delimiter_is_one_ascii_character_that_means_nothing_else(delimiter: str):
    with pytest.raises(ValidationError):
        source(kind="csv", **BLOB, delimiter=delimiter)


def test_columns_of_a_header_have_different_names():
    with pytest.raises(ValidationError, match="not all different"):
        source(kind="csv", **BLOB, header=["a", "b", "a"])


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ({}, "either names or rename"),
        ({"names": ["a"], "rename": {"1": "b"}}, "either names or rename"),
        ({"names": ["a", "a"]}, "not all different"),
        ({"rename": {}}, "at least 1 item"),
        ("a,b", "a list of names, or an object"),
        ({"skip": 1}, "Extra inputs"),
    ],
)
def test_a_header_is_a_list_or_one_change_of_the_first_record(header: Any, fault: str):
    with pytest.raises(ValidationError, match=fault):
        source(kind="csv", **BLOB, header=header)


@pytest.mark.parametrize("header", [["a"], {"names": ["a"]}, {"rename": {"2": "b", "x": "y"}}])
def test_a_header_is_the_same_after_it_was_kept(header: Any):
    wanted = source(kind="csv", **BLOB, header=header)
    assert SOURCE.validate_json(wanted.model_dump_json()) == wanted


@pytest.mark.parametrize("pointer", ["a", "/a~2", "/a~"])
def test_a_pointer_is_one_of_rfc_6901(pointer: str):
    with pytest.raises(ValidationError):
        source(kind="json", **BLOB, pointer=pointer)


def test_a_format_in_one_word_is_short_for_one_without_fields():
    short = source(kind="listing", container="photos", read="csv")
    assert short == source(kind="listing", container="photos", read={"kind": "csv"})


@pytest.mark.parametrize(
    ("fields", "containers"),
    [
        ({"kind": "inline", "items": []}, []),
        ({"kind": "text", "text": "", "read": "csv"}, []),
        ({"kind": "csv", **BLOB}, [("source.container", "inbox")]),
        ({"kind": "listing", "container": "photos"}, [("source.container", "photos")]),
        ({"kind": "manifest", **BLOB}, [("source.container", "inbox")]),
        (
            {"kind": "manifest", **BLOB, "items_container": "photos"},
            [("source.container", "inbox"), ("source.items_container", "photos")],
        ),
    ],
)
def test_every_container_that_is_read_is_named_with_its_field(fields: Any, containers: Any):
    assert list(containers_of(source(**fields))) == containers


@pytest.mark.parametrize(
    "fields",
    [{}, {"text": "a", "base64": "YQ=="}, {"base64": "YQ"}, {"base64": "YQ==\n"}, {"base64": "é"}],
)
def test_a_text_stands_there_once_as_text_or_base64(fields: Any):
    with pytest.raises(ValidationError, match=r"(?i)base64"):
        source(kind="text", read="csv", **fields)


def test_two_texts_with_the_same_bytes_to_read_are_the_same_request_as_long_as_written_alike():
    text = source(kind="text", text="é", read="csv")
    assert text.content == b"\xc3\xa9"
    assert text == source(kind="text", text="é", read="csv")
    assert source(kind="text", base64="w6k=", read="csv").content == text.content
