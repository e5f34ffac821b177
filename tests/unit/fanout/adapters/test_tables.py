"""How many calls the table service gets; what comes of them is in tests/contract."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from fanout.adapters.tables import TableStore


class ServiceError(HttpResponseError):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.error_code = code


@dataclass
class Service:
    """A table service and its table, which writes down what it is asked."""

    rows: set[str]
    transactions: list[int] = field(default_factory=list)
    singles: list[str] = field(default_factory=list)
    fails_with: str | None = None

    def submit_transaction(self, operations: list[Any]) -> None:
        if self.fails_with is not None:
            raise ServiceError(self.fails_with)
        keys = [entity["RowKey"] for _, entity in operations]
        self.transactions.append(len(keys))
        if not self.rows.issuperset(keys):
            raise ServiceError("ResourceNotFound")
        self.rows.difference_update(keys)

    def delete_entity(self, partition: str, key: str) -> None:
        self.singles.append(key)
        self.rows.discard(key)


def delete(service: Service, keys: list[str]) -> None:
    TableStore(None, lambda table_name: service).delete("t", "p", keys)  # type: ignore[arg-type]


KEYS = [f"{number:03d}" for number in range(250)]


def test_many_rows_are_deleted_a_hundred_at_a_time():
    service = Service({*KEYS, "kept"})
    delete(service, KEYS)
    assert (service.transactions, service.singles) == ([100, 100, 50], [])
    assert service.rows == {"kept"}


def test_one_row_needs_no_transaction():
    service = Service({*KEYS})
    delete(service, KEYS[:1])
    assert (service.transactions, service.singles) == ([], KEYS[:1])


def test_only_those_that_share_a_transaction_with_one_that_is_gone_go_one_by_one():
    service = Service({*KEYS} - {KEYS[120]})
    delete(service, KEYS)
    assert (service.transactions, service.singles) == ([100, 100, 50], KEYS[100:200])
    assert service.rows == set()


def test_a_row_that_is_named_twice_is_deleted_once():
    service = Service({*KEYS})
    delete(service, [*KEYS[:2], *KEYS[:2]])
    assert service.transactions == [2]


def test_a_service_that_fails_is_an_error():
    with pytest.raises(ServiceError):
        delete(Service({*KEYS}, fails_with="ServerBusy"), KEYS)
