"""The values of Arrow columns as Python has them.

Most types are read by PyArrow at once. Where it raises for one value, or would give another value
in silence, each value is read by itself, down through lists, maps and structs.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import accumulate, pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from fanout.adapters.sources.parquet.faults import (
    Fault,
    NotUtf8Error,
    UnreadableError,
    Values,
    make_each,
)
from fanout.adapters.sources.parquet.times import is_plain_time, is_time, read_times
from fanout.printable import describe_error

_LISTS = (
    types.is_list,
    types.is_large_list,
    types.is_fixed_size_list,
)
_TEXTS = (types.is_string, types.is_large_string, types.is_string_view)


def read_column(column: pa.ChunkedArray, coarse: pa.ChunkedArray | None) -> Values:
    """Read a column.

    Args:
        column: The column.
        coarse: The same with INT96 timestamps in milliseconds, if it has any.
    """
    if column.num_chunks == 1 and coarse is None:
        return read_values(column.chunk(0))
    values: list[Any] = []
    faults: dict[int, Fault] = {}
    for chunk in column.chunks:
        first = len(values)
        part = None if coarse is None else coarse.slice(first, len(chunk)).combine_chunks()
        made = read_values(chunk, part)
        values += made.values
        faults |= {first + position: fault for position, fault in made.faults.items()}
    return Values(values, faults)


def read_values(array: pa.Array, coarse: pa.Array | None = None) -> Values:
    """Read an array: at once if its type is plain, else by its type."""
    if coarse is not None and coarse.type == array.type:  # it has no INT96 timestamps
        coarse = None
    if coarse is None and is_plain(array.type):
        try:
            return Values(array.to_pylist(), {})
        except Exception:  # noqa: BLE001, S110  one value made it; each is read by itself below
            pass
    try:
        return _reader(array.type)(array, coarse)
    except Exception as error:  # noqa: BLE001  PyArrow has no kernel for some types within others
        if coarse is None and is_plain(array.type):
            return _read_scalars(array, coarse)
        reason = f"PyArrow cannot read {array.type}: {describe_error(error)}"
        return make_each(partial(_refuse, reason), _presence(array))


@lru_cache(maxsize=1024)
def is_plain(data_type: pa.DataType) -> bool:
    """Tell whether PyArrow gives every value of a type rightly, or raises."""
    if _is_extension(data_type):
        return is_plain(data_type.storage_type)
    if _is_encoded(data_type) or _has_elements(data_type):
        return is_plain(data_type.value_type)
    if types.is_map(data_type):
        return is_plain(data_type.key_type) and is_plain(data_type.item_type)
    if types.is_struct(data_type):
        return all(is_plain(field.type) for field in data_type)
    return not is_time(data_type) or is_plain_time(data_type)


def _is_encoded(data_type: pa.DataType) -> bool:
    return bool(types.is_dictionary(data_type) or types.is_run_end_encoded(data_type))


def _has_elements(data_type: pa.DataType) -> bool:
    return _is_list_view(data_type) or _is_list(data_type)


def _is_list_view(data_type: pa.DataType) -> bool:
    return bool(types.is_list_view(data_type) or types.is_large_list_view(data_type))


def _is_list(data_type: pa.DataType) -> bool:
    return any(is_kind(data_type) for is_kind in _LISTS)


def _reader(data_type: pa.DataType) -> "_Reader":
    return next((read for is_kind, read in _READERS if is_kind(data_type)), _read_scalars)


def _is_extension(data_type: pa.DataType) -> bool:
    return isinstance(data_type, pa.BaseExtensionType)


def _is_text(data_type: pa.DataType) -> bool:
    return any(is_kind(data_type) for is_kind in _TEXTS)


def _read_storage(array: pa.ExtensionArray, coarse: pa.Array | None) -> Values:
    return read_values(array.storage, coarse)


def _read_encoded(array: pa.Array, coarse: pa.Array | None) -> Values:
    is_dictionary = types.is_dictionary(array.type)
    return read_values(
        array.dictionary_decode() if is_dictionary else pc.run_end_decode(array), coarse
    )


def _read_scalars(array: pa.Array, coarse: pa.Array | None) -> Values:
    """Read each value as PyArrow gives it."""
    return make_each(lambda scalar: scalar.as_py(), array)


def _read_texts(array: pa.Array, coarse: pa.Array | None) -> Values:
    raw = array.cast(pa.large_binary() if types.is_large_string(array.type) else pa.binary())
    return make_each(_text, raw.to_pylist())


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        fault = f"byte {error.start + 1} of the text, 0x{byte:02x}, is not UTF-8"
        raise NotUtf8Error(fault) from error


def _read_structs(array: pa.StructArray, coarse: pa.StructArray | None) -> Values:
    names = [field.name for field in array.type]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        reason = f"the struct has two fields of the name '{twice[0]}'"
        return make_each(partial(_refuse, reason), _presence(array))
    rows: list[Any] = [None if present is None else {} for present in _presence(array)]
    faults: dict[int, Fault] = {}
    for name, member in zip(names, _read_members(array, coarse), strict=True):
        for row, value in zip(rows, member.values, strict=True):
            if row is not None:
                row[name] = value
        for position, fault in member.faults.items():
            faults.setdefault(position, fault.within(f".{name}"))
    return Values(rows, faults)


def _read_members(array: pa.StructArray, coarse: pa.StructArray | None) -> list[Values]:
    """Read the members of structs, which are null where a struct is."""
    members = array.flatten()
    parts = [None] * len(members) if coarse is None else coarse.flatten()
    return [read_values(member, part) for member, part in zip(members, parts, strict=True)]


def _presence(array: pa.Array) -> list[bool | None]:
    """None for each null, else true."""
    return [None if is_null else True for is_null in array.is_null().to_pylist()]


def _refuse(reason: str, _: bool) -> Any:
    raise UnreadableError(reason)


def _read_lists(array: pa.Array, coarse: pa.Array | None) -> Values:
    bounds = _bounds(array)
    elements = read_values(
        _cut(array.values, bounds), None if coarse is None else _cut(coarse.values, _bounds(coarse))
    )
    return _join_lists(elements, array, bounds)


def _read_list_views(array: pa.Array, coarse: pa.Array | None) -> Values:
    """Read lists whose elements may stand in any order, or be shared."""
    sizes = pc.fill_null(pc.list_value_length(array), 0).to_pylist()
    if not any(sizes):  # PyArrow cannot put nothing together, of some types
        return Values([None if present is None else [] for present in _presence(array)], {})
    elements = read_values(array.flatten(), None if coarse is None else coarse.flatten())
    return _join_lists(elements, array, list(accumulate(sizes, initial=0)))


def _read_maps(array: pa.MapArray, coarse: pa.MapArray | None) -> Values:
    """Read maps as lists of pairs: keys need not be texts, and may come twice."""
    bounds = _bounds(array)
    parts = [None, None]
    if coarse is not None:
        parts = [_cut(part, _bounds(coarse)) for part in (coarse.keys, coarse.items)]
    keys = read_values(_cut(array.keys, bounds), parts[0])
    items = read_values(_cut(array.items, bounds), parts[1])
    faults = {position: fault.within(".value") for position, fault in items.faults.items()}
    faults |= {position: fault.within(".key") for position, fault in keys.faults.items()}
    pairs = list(zip(keys.values, items.values, strict=True))
    return _join_lists(Values(pairs, faults), array, bounds)


def _bounds(lists: pa.Array) -> list[int]:
    """Where each list begins in the elements of all, and where the last ends."""
    if types.is_fixed_size_list(lists.type):
        size = lists.type.list_size
        return [(lists.offset + position) * size for position in range(len(lists) + 1)]
    return list(lists.offsets.to_numpy().tolist())


def _cut(elements: pa.Array, bounds: list[int]) -> pa.Array:
    return elements.slice(bounds[0], bounds[-1] - bounds[0])


def _join_lists(elements: Values, lists: pa.Array, bounds: list[int]) -> Values:
    """Give each list its elements; those that a null hides belong to nobody."""
    begins = [bound - bounds[0] for bound in bounds]
    values: list[Any] = [elements.values[begin:end] for begin, end in pairwise(begins)]
    faults = dict(_list_faults(elements, begins)) if elements.faults else {}
    if lists.null_count:
        for position in pc.indices_nonzero(lists.is_null()).to_pylist():
            values[position] = None
            faults.pop(position, None)
    return Values(values, faults)


def _list_faults(elements: Values, begins: list[int]) -> Iterator[tuple[int, Fault]]:
    """The first fault in each list that has one."""
    for position, (begin, end) in enumerate(pairwise(begins)):
        bad = next((element for element in range(begin, end) if element in elements.faults), None)
        if bad is not None:
            yield position, elements.faults[bad].within(f"[{bad - begin}]")


_Reader = Callable[[pa.Array, pa.Array | None], Values]
# The first that a type is of reads it.
_READERS: list[tuple[Callable[[pa.DataType], bool], _Reader]] = [
    (_is_extension, _read_storage),
    (_is_encoded, _read_encoded),
    (types.is_struct, _read_structs),
    (types.is_map, _read_maps),
    (_is_list, _read_lists),
    (_is_list_view, _read_list_views),
    (is_time, read_times),
    (_is_text, _read_texts),
]
