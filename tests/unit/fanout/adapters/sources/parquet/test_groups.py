"""A row group that cannot be decoded fails its own rows; what is wrong with storage fails none."""

import gc
import io
import random
import tracemalloc
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from azure.core.exceptions import ServiceRequestError

from fanout.adapters.sources import reading
from fanout.adapters.sources.parquet.files import MAX_FOOTER_BYTES, ParquetFile
from fanout.adapters.sources.parquet.groups import MAX_KEPT_GROUPS, decode_group_of
from fanout.errors import SourceChangedError
from fanout.models.plan import BlobRef
from fanout.splitting.records import parse_records
from tests.support.doubles.memory_store import MemoryStore
from tests.support.parquet import thrift_bytes as tb
from tests.support.parquet.files import change_footer, counts, damage_page, write_table
from tests.support.parquet.readings import (
    chunks_of,
    parquet_source,
    plan,
    records_of,
    refusal_of,
    store_of,
)

ROWS = 30
TABLE = {"a": [f"text {n}" for n in range(ROWS)], "b": list(range(ROWS))}
SOUND = write_table(TABLE, row_group_size=10, write_page_checksum=True, use_dictionary=False)


def failed_rows(data: bytes, most: int = 7, **fields: Any) -> dict[int, str]:
    """Which rows fail, and why; the others must be what was written."""
    failures = {}
    for record in records_of(data, most, **fields):
        if record.error is None:
            expected = {name: TABLE[name][record.index] for name in fields.get("columns") or TABLE}
            assert record.value == expected
        else:
            assert (record.error.type, record.error.retryable) == ("ParquetError", False)
            failures[record.index] = record.error.message
    return failures


def test_a_page_that_differs_from_its_checksum_fails_the_rows_of_its_group_alone():
    failures = failed_rows(damage_page(SOUND, group=1, column=1))
    assert list(failures) == list(range(10, 20))
    (message,) = set(failures.values())
    assert message.startswith("row group 1 cannot be decoded: column 'b': ")
    assert "CRC checksum verification failed" in message


def test_other_columns_of_a_damaged_row_group_can_be_read():
    assert failed_rows(damage_page(SOUND, group=1, column=1), columns=["a"]) == {}


@pytest.mark.parametrize("compression", ["snappy", "zstd", "gzip", "lz4", "brotli"])
def test_a_page_that_cannot_be_decompressed_fails_the_rows_of_its_group_alone(compression: str):
    data = write_table(TABLE, row_group_size=10, compression=compression, use_dictionary=False)
    broken = data
    for byte in range(25, 60):  # the header of the page stays as it is
        broken = damage_page(broken, group=2, column=0, byte=byte)
    failures = failed_rows(broken)
    assert list(failures) == list(range(20, 30))
    assert all("column 'a'" in message for message in failures.values())


def test_pages_with_a_damaged_header_fail_the_rows_of_their_group_alone():
    broken = damage_page(damage_page(SOUND, group=0, column=1, byte=0), group=0, column=1, byte=1)
    assert list(failed_rows(broken)) == list(range(10))


def test_a_codec_that_is_not_supported_fails_the_rows_by_name():
    data = write_table({"a": ["x"], "b": [1]}, compression="none")
    lzo = change_footer(data, b"\x18\x01a\x15\x00", b"\x18\x01a\x15\x06")
    (record,) = records_of(lzo)
    assert record.error is not None
    assert record.error.message.startswith("row group 0 cannot be decoded: column 'a': ")
    assert "lzo" in record.error.message.lower()
    assert [r.value for r in records_of(lzo, columns=["b"])] == [{"b": 1}]


def test_a_blob_that_is_cut_off_within_is_refused():
    assert "is no Parquet" in refusal_of(SOUND[: len(SOUND) // 2])


def test_pages_that_are_gone_fail_the_rows_of_their_group_alone():
    data = write_table(TABLE, row_group_size=10, compression="none", use_dictionary=False)
    begin = data.index(b"text 0") - 30
    hollow = data[:begin] + bytes(60) + data[begin + 60 :]
    assert list(failed_rows(hollow)) == list(range(10))


FRACTION = tb.field(3, tb.DOUBLE, bytes(6) + b"\xf8\x3f")


def hollow_out(data: bytes, header: bytes) -> bytes:
    """Put another header before the first page of the column 'a' in row group 1."""
    chunk = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(1).column(0)
    assert len(header) <= chunk.total_compressed_size
    begin = chunk.data_page_offset
    return data[:begin] + header + data[begin + len(header) :]


@pytest.mark.parametrize(
    "header",
    [
        b"\xf9" + b"\x19" * 700,  # lists in lists
        b"\xfb" + b"\x01\x5b\x02" * 233,  # maps in maps
        tb.struct(tb.field(1, tb.I32, b"\2"), tb.field(2, tb.I32, b"\2"), FRACTION),
        tb.page_header(tb.DATA, 10, 10, 10, tb.field(99, tb.LIST, tb.empty_structs(600))),
    ],
    ids=["lists", "maps", "fraction", "many"],
)
def test_a_page_header_as_no_writer_has_it_fails_the_rows_of_its_group_alone(header: bytes):
    table = {"a": [f"text {n:0100}" for n in range(ROWS)]}
    data = write_table(table, row_group_size=10, compression="none", use_dictionary=False)
    records = records_of(hollow_out(data, header))
    failed = [record for record in records if record.error is not None]
    assert [record.index for record in failed] == list(range(10, 20))
    assert {record.error.type for record in failed if record.error} == {"ParquetError"}
    kept = [record.value["a"] for record in records if record.error is None]
    assert kept == table["a"][:10] + table["a"][20:]


def test_a_footer_that_counts_more_rows_than_any_column_has_is_refused():
    rows_of_group = b"\x16" + bytes([2 * ROWS])  # FileMetaData.num_rows comes before the groups
    whole = write_table(TABLE, write_statistics=False)
    at = whole.rindex(rows_of_group)
    wrong = whole[:at] + b"\x16\x7a" + whole[at + 2 :]
    assert "has a damaged footer: row group 0 cannot have 61 rows" in refusal_of(wrong)


# encryption


class Keys(pe.KmsClient):
    """Wraps no key."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return key_bytes.hex().encode()

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return bytes.fromhex(bytes(wrapped_key).decode())


def encrypt(*, plaintext_footer: bool) -> bytes:
    settings = pe.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["a"]}, plaintext_footer=plaintext_footer
    )
    factory = pe.CryptoFactory(lambda _: Keys())
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), settings)
    return write_table(TABLE, row_group_size=10, encryption_properties=properties)


def test_a_footer_that_would_fill_the_memory_is_refused():
    table = pa.table({"a": [1]}).replace_schema_metadata({"k": "x" * MAX_FOOTER_BYTES})
    data = write_table(table)
    assert f"{MAX_FOOTER_BYTES} are read" in refusal_of(data)


def test_an_encrypted_footer_is_refused():
    assert "encrypted" in refusal_of(encrypt(plaintext_footer=False))


def test_an_encrypted_column_fails_its_rows_and_others_can_be_read():
    """PyArrow ends the process where the metadata of such a column are asked for."""
    data = encrypt(plaintext_footer=True)
    failures = failed_rows(data)
    assert len(failures) == ROWS
    assert "column 'a': " in failures[0] and "decrypt" in failures[0]
    assert failed_rows(data, columns=["b"]) == {}


# storage


class Storage(MemoryStore):
    """Fails when it is told to."""

    fails = False

    def read(self, *args: Any, **options: Any) -> bytes:
        if self.fails:
            raise ServiceRequestError("storage does not answer")
        return super().read(*args, **options)


@pytest.mark.parametrize("most", [7, 30])
def test_an_error_of_storage_is_no_fault_of_a_row_and_the_next_try_reads_it(most: int):
    store = Storage()
    store.write("inbox", "data", SOUND)
    manifest, cuts = plan(store, most)
    for cut in cuts:
        store.fails = True
        if cut.first_index % 10 == 0:  # others are of a group that has been decoded
            with pytest.raises(ServiceRequestError):
                reading.read_chunk(parquet_source(), cut, manifest, store)
        store.fails = False
        chunk = reading.read_chunk(parquet_source(), cut, manifest, store)
        assert all(record.error is None for record in parse_records(chunk))


@pytest.mark.parametrize("column", [pa.array(["x"]), counts(pa.timestamp("us"), -(10**17))])
def test_an_error_of_storage_stays_one_where_the_file_is_damaged_too(column: pa.Array):
    store = Storage()
    data = write_table(
        {"a": column}, write_page_checksum=True, use_deprecated_int96_timestamps=True
    )
    store.write("inbox", "data", damage_page(data, 0, 0))
    manifest, cuts = plan(store)
    store.fails = True
    with pytest.raises(ServiceRequestError):
        reading.read_chunk(parquet_source(), cuts[0], manifest, store)
    store.fails = False
    assert len(reading.read_chunk(parquet_source(), cuts[0], manifest, store).faults) == 1


def test_a_blob_that_is_gone_has_changed():
    store = store_of(SOUND)
    manifest, cuts = plan(store)
    store.delete("inbox", "data")
    with pytest.raises(SourceChangedError):
        reading.read_chunk(parquet_source(), cuts[0], manifest, store)


def test_a_row_group_that_cannot_be_decoded_is_tried_once_for_its_batches():
    table = {"a": [str(n) * 50 for n in range(1000)]}
    data = write_table(table, use_dictionary=False, write_page_checksum=True, compression="none")
    store = store_of(damage_page(data, 0, 0))
    assert sum(len(chunk.faults) for chunk in chunks_of(store, most=10)) == 1000
    assert store.bytes_read < 4 * len(data)


# memory

FILES = 12


def read_files(store: MemoryStore) -> None:
    for number in range(FILES):
        group = decode_group_of(store, BlobRef(container="inbox", blob=str(number)), None, 0)
        assert group.fault == "" and group.rows == 1000


def forget_groups(store: MemoryStore) -> None:
    """Read so many windows of another file that no other is kept."""
    for row in range(MAX_KEPT_GROUPS + 10):
        ref = BlobRef(container="inbox", blob="windows")
        assert decode_group_of(store, ref, None, row, 20_000).rows == 1


def test_bytes_of_files_that_are_read_again_are_held_no_longer_than_they_are_read():
    noise = random.Random(1)
    store = MemoryStore()
    for number in range(FILES):
        table = {"a": [noise.randbytes(1000) for _ in range(1000)]}
        store.write("inbox", str(number), write_table(table, use_dictionary=False))
    windows = {"a": ["x" * 10_000] * (MAX_KEPT_GROUPS + 10)}
    store.write("inbox", "windows", write_table(windows))
    tracemalloc.start()
    try:
        read_files(store)
        forget_groups(store)
        before = tracemalloc.get_traced_memory()[0]
        read_files(store)
        assert tracemalloc.get_traced_memory()[0] - before < 1_000_000
    finally:
        tracemalloc.stop()
    gc.collect()
    opened = [thing for thing in gc.get_objects() if isinstance(thing, ParquetFile)]
    assert len(opened) <= 9  # those that are kept, and one whose windows are being read
