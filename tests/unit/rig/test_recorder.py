"""Rows are found in what a client sends, however it is cut."""

import pytest

from rig.recorder import Noted

ROWS = [
    {"PartitionKey": "a", "RowKey": "1", "text": 'q" {\n'},
    {"PartitionKey": "é", "RowKey": "2", "of": {"n": 1}},
]
SENT = (
    b"PUT /t(PartitionKey='a',RowKey='1') HTTP/1.1\r\nContent-Length: 60\r\n\r\n"
    b'{"PartitionKey": "a", "RowKey": "1", "text": "q\\" {\\n"}'
    b"POST /$batch HTTP/1.1\r\n\r\n--batch\r\n\r\n"
    + '{"PartitionKey":"é","RowKey":"2","of":{"n":1}}'.encode()
    + b"\r\n--batch--\r\nGET /t HTTP/1.1\r\n\r\n"
)


@pytest.mark.parametrize("size", [1, 7, 64, len(SENT)])
def test_each_row_is_found_once(size: int):
    rows: list[dict] = []
    noted = Noted(rows)
    for at in range(0, len(SENT), size):
        noted.take(SENT[at : at + size])
    assert rows == ROWS
