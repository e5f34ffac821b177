"""What is kept of blobs is true, bounded, and soon forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.beginnings import (
    ENTRY_BYTES,
    HEAD_BYTES,
    KEPT_SECONDS,
    MAX_BLOB_BYTES,
    Beginning,
    Beginnings,
    Version,
)

CONTENT = {name: bytes(range(n, n + 60)) for n, name in enumerate("abcd")}
MAX_BYTES = 2 * (60 + ENTRY_BYTES) + 10
VERSION = Version("inbox", "rows.csv", '"1"')


def version(name: str) -> Version:
    return Version("inbox", name, f'"{name}"')


def kept_bytes(beginnings: Beginnings) -> int:
    return sum(len(beginnings.find(version(name)).data) for name in CONTENT)


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 60), st.integers(0, 60))),
    st.integers(0, 70),
    st.none() | st.integers(0, 70),
)
def test_what_is_kept_is_the_beginning_of_its_version(
    reads: list[tuple[str, int, int]], offset: int, length: int | None
):
    beginnings = Beginnings(MAX_BYTES)
    for name, begin, end in reads:
        content = CONTENT[name]
        beginnings.add(version(name), begin, content[begin:end], len(content))
    assert kept_bytes(beginnings) <= 2 * 60
    for name, content in CONTENT.items():
        found = beginnings.find(version(name))
        assert content.startswith(found.data)
        wanted = content[offset : None if length is None else offset + length]
        assert wanted.startswith(found.part(offset, length))
        if found.holds(offset, length):
            assert found.part(offset, length) == wanted != b""


def test_the_whole_of_what_was_read_last_is_kept():
    beginnings = Beginnings(MAX_BYTES)
    for name, content in CONTENT.items():
        beginnings.add(version(name), 0, content, len(content))
    assert [name for name in CONTENT if beginnings.find(version(name)).data] == ["c", "d"]
    assert beginnings.find(version("d")).holds(0, None)
    assert beginnings.has("inbox", "d") and not beginnings.has("inbox", "a")


def test_ranges_that_go_on_from_each_other_are_joined_and_others_are_not():
    beginnings = Beginnings()
    beginnings.add(VERSION, 4, b"4567", 10)
    assert beginnings.find(VERSION) == Beginning()
    beginnings.add(VERSION, 0, b"0123", 10)
    beginnings.add(VERSION, 4, b"4567", 10)
    beginnings.add(VERSION, 9, b"9", 10)
    assert beginnings.find(VERSION).data == b"01234567"
    assert not beginnings.find(VERSION).holds(0, None)


def test_of_a_large_blob_only_the_head_is_kept():
    beginnings = Beginnings()
    size = MAX_BLOB_BYTES + 1
    beginnings.add(VERSION, 0, bytes(HEAD_BYTES + 1), size)
    assert beginnings.find(VERSION) == Beginning()
    beginnings.add(VERSION, 0, bytes(HEAD_BYTES), size)
    assert beginnings.find(VERSION).holds(0, HEAD_BYTES)
    beginnings.add(VERSION, HEAD_BYTES, b"1", size)
    assert len(beginnings.find(VERSION).data) == HEAD_BYTES


def test_of_a_blob_one_version_is_kept():
    beginnings = Beginnings()
    beginnings.add(VERSION, 0, b"old", 3)
    newer = VERSION._replace(etag='"2"')
    assert beginnings.find(newer) == Beginning()
    beginnings.add(newer, 0, b"newer", 5)
    assert beginnings.find(newer).data == b"newer"
    assert beginnings.find(VERSION) == Beginning()


def test_what_is_kept_is_forgotten_after_a_while():
    now = 100.0
    beginnings = Beginnings(clock=lambda: now)
    beginnings.add(VERSION, 0, b"0123", 4)
    now += KEPT_SECONDS - 1
    assert beginnings.find(VERSION).data == b"0123"
    now += 1
    assert beginnings.find(VERSION) == Beginning()
    assert not beginnings.has(VERSION.container, VERSION.blob)
