"""The types of errors that Fanout itself finds at items; a workload's own are class names.

They stand in outcomes and dead letters, and a redrive may name them.
"""

from enum import StrEnum


class ErrorType(StrEnum):
    """What is wrong with an item, or with what came of it."""

    CSV_ROW = "CsvRowError"
    ENCODING = "EncodingError"
    ITEM_VALIDATION = "ItemValidationError"
    JSON_ITEM = "JsonItemError"
    JSON_LINE = "JsonLineError"
    LOST_STEP = "LostStepError"
    OUTPUT = "OutputError"
    PARQUET = "ParquetError"
    RECORD_TOO_LARGE = "RecordTooLargeError"
    SELECT = "SelectError"
    SOURCE_BLOB = "SourceBlobError"
