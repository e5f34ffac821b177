"""Every element of a JSON array is in exactly one batch, whatever the bytes and the chunks."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fanout.models.plan import Cut
from fanout.models.request import BatchLimits
from fanout.models.source import JsonFormat
from fanout.records import Chunk, Record
from fanout.splitting.cuts import cut_records
from fanout.splitting.elements import find_elements
from fanout.splitting.pointer import MAX_KEY_BYTES, JsonSourceError
from fanout.splitting.records import parse_records
from fanout.splitting.split import find_records
from tests.support.records_oracle import in_chunks

LIMITS = BatchLimits(max_items=1_000_000)

sizes = st.lists(st.integers(1, 9), min_size=1, max_size=6)
limits = st.builds(BatchLimits, max_items=st.integers(1, 5), max_bytes=st.integers(1, 40))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('a"\\[]{},:é\n ')),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
tokens = st.sampled_from(["{", "}", "[", "]", '"', ",", ":", "1", " ", "\n", "\\", '{"a":1}', "é"])


def cut(
    blob: bytes, sizes: list[int], limits: BatchLimits = LIMITS, pointer: str = ""
) -> list[Cut]:
    found = find_records(in_chunks(blob, sizes), JsonFormat(kind="json", pointer=pointer))
    return list(cut_records(found.blocks, limits))


def read(blob: bytes, cuts: list[Cut]) -> list[Record]:
    return [
        record
        for part in cuts
        for record in parse_records(
            Chunk(
                "json",
                blob[part.offset : part.end],
                None,
                part.first_index,
                part.first_line,
                part.items,
            )
        )
    ]


def elements_by_hand(blob: bytes) -> list[tuple[bytes, int]] | None:
    """Read an array a byte at a time: each element and its line; None where it does not close."""
    found, start, depth, in_string, escaped = [], 1, 0, False, False
    for at in range(1, len(blob)):
        byte = blob[at : at + 1]
        if byte == b'"' and not escaped:
            in_string = not in_string
        escaped = byte == b"\\" and not escaped
        if in_string:
            continue
        if (byte == b"," and depth == 0) or (byte == b"]" and depth == 0):
            text = blob[start:at]
            begin = start + len(text) - len(text.lstrip(b" \t\r\n"))
            found.append((blob[begin:at], 1 + blob.count(b"\n", 0, begin)))
            start = at + 1
            if byte == b"]":
                is_empty = len(found) == 1 and not found[0][0]
                return ([] if is_empty else found) if not blob[start:].strip() else None
        elif byte in b"}" and depth == 0:
            return None
        elif byte in (b"[", b"{"):
            depth += 1
        elif byte in (b"]", b"}"):
            depth -= 1
    return None


@given(
    items=st.lists(values, max_size=12),
    indent=st.none() | st.integers(0, 2),
    sizes=sizes,
    limits=limits,
)
def test_the_elements_of_any_array_come_out(items, indent, sizes, limits):
    blob = json.dumps(items, indent=indent, ensure_ascii=False).encode()
    records = read(blob, cut(blob, sizes, limits))
    assert [record.value for record in records] == items
    assert [record.error for record in records] == [None] * len(items)
    assert [record.index for record in records] == list(range(len(items)))


@given(text=st.lists(tokens, max_size=25).map("".join), sizes=sizes, limits=limits)
@example(text="1,,2]", sizes=[1], limits=LIMITS)
@example(text="1,]", sizes=[9], limits=LIMITS)
@example(text=",]", sizes=[1], limits=BatchLimits(max_items=1, max_bytes=1))
@example(text=",\n,1]", sizes=[1], limits=BatchLimits(max_items=1, max_bytes=1))
@example(text=" \n ]", sizes=[2], limits=LIMITS)
@example(text='"\\\\",1]', sizes=[3], limits=LIMITS)
def test_any_bytes_are_cut_as_they_are_read_one_at_a_time(text, sizes, limits):
    blob = b"[" + text.encode()
    expected = elements_by_hand(blob)
    if expected is None:
        if b"}" not in blob:  # by hand a stray brace ends it, here a bracket of either kind closes
            with pytest.raises(JsonSourceError):
                cut(blob, sizes, limits)
        return
    records = read(blob, cut(blob, sizes, limits))
    assert [record.line for record in records] == [line for _, line in expected]
    for record, (raw, line) in zip(records, expected, strict=True):
        try:
            value = json.loads(raw)
        except ValueError:
            assert record.error is not None and record.error.type == "JsonItemError"
            assert record.error.message.startswith(f"line {line}: ")
        else:
            assert (record.value, record.error) == (value, None)


@given(
    items=st.lists(values, max_size=5),
    before=st.dictionaries(st.text(st.sampled_from("ab/~.é"), max_size=3), values, max_size=3),
    key=st.text(st.sampled_from('xy/~."\\é\n'), min_size=1, max_size=4),
    place=st.integers(0, 2),
    sizes=sizes,
)
def test_a_pointer_leads_to_any_array(items, before, key, place, sizes):
    document = {**before, key: [*list(before.values())[:place], {"in": items}, 1], "z": {}}
    index = min(place, len(before))
    pointer = "/" + key.replace("~", "~0").replace("/", "~1") + f"/{index}/in"
    for indent in (None, 1):
        blob = json.dumps(document, indent=indent).encode()
        assert [r.value for r in read(blob, cut(blob, sizes, pointer=pointer))] == items


@pytest.mark.parametrize(
    ("blob", "pointer", "fault"),
    [
        (b"", "", "the document ends too early (at byte 0, line 1)"),
        (b"{}", "", "the document is no array (at byte 0, line 1)"),
        (b"[1, 2\n", "", "the array is not closed: the data ends at byte 6, line 2"),
        (b'[1, "2]', "", "the array is not closed: the data ends at byte 7, line 1"),
        (b"[1]\n x", "", "after the end of the document, at byte 5, follows more"),
        (b'{"a": 1}', "/b", "the document has no 'b' (at byte 7, line 1)"),
        (b'{"a": {}}', "/a/b", "the value at '/a' has no 'b' (at byte 7, line 1)"),
        (b'{"a": [1]}', "/a/1", "the value at '/a' has no '1' (at byte 8, line 1)"),
        (b'{"a": [1]}', "/a/x", "the value at '/a' has no 'x' (at byte 6, line 1)"),
        (b'{"a": 1}', "/a", "the value at '/a' is no array (at byte 6, line 1)"),
        (b'{"a" 1}', "/a", "a ':' is missing (at byte 5, line 1)"),
        (b'{"a": 1 "b"', "/b", "the document ends too early"),
        (b'{"a": [1 {"b": 2}] "b"', "/b", "a ',' or '}' is missing (at byte 19, line 1)"),
        (b"[1}", "", "the array is closed by a '}' at byte 2"),
        (b'{"a": [1}', "/a", "the array is closed by a '}' at byte 8"),
        (b"[1}", "/99999999999", "a ',' or ']' is missing (at byte 2, line 1)"),
        (b"[[1], [2]]", "/01", "the document has no '01' (at byte 0, line 1)"),
        (b"{1: 2}", "/a", "the name of a member is missing (at byte 1, line 1)"),
        (b'{"\\x": 2}', "/a", "the name of a member is malformed"),
        (b'{"a": "b', "/b", "a string is not closed"),
        (b'{"' + b"a" * 2 * MAX_KEY_BYTES, "/a", "the name of a member is missing"),
    ],
)
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_document_without_the_array_is_refused_with_the_place(blob, pointer, fault, size):
    if size == 1 and len(blob) > 1000:
        size = 1000
    with pytest.raises(JsonSourceError) as caught:
        list(find_elements(in_chunks(blob, [size]), pointer))
    assert fault in str(caught.value)


def test_a_byte_order_mark_is_left_out():
    blob = b"\xef\xbb\xbf[1,2]"
    assert cut(blob, [1]) == [Cut(4, 7, 0, 2, 1)]


def test_the_rest_of_the_document_is_not_read_after_a_nested_array():
    def chunks():
        yield b'{"a": [1, 2], '
        raise AssertionError("one chunk is enough")

    assert [len(found) for found in find_elements(chunks(), "/a")] == [2]


def test_a_large_array_is_found_over_many_pieces():
    items = [{"n": n, "text": 'say "hi" \\ ' * 3, "list": [n, [n]]} for n in range(20_000)]
    blob = json.dumps(items, indent=1).encode()
    cuts = cut(blob, [1_000_003], BatchLimits(max_items=1000))
    assert [part.items for part in cuts] == [1000] * 20
    assert [record.value for record in read(blob, cuts)] == items
