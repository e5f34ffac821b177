"""Bodies of requests that are poison: each makes some parser, compiler or reader give up."""

import io
import json
from collections.abc import Callable
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.hostile.poison_workloads import RAISED, workload_name

Upload = Callable[[bytes, str], str]
# More than any parser follows, and less than any limit of bytes.
LEAST_DEPTH, MOST_DEPTH = 3_000, 10_000
TEMPLATES = {
    "parentheses": lambda deep: "{{ " + "(" * deep + "1" + ")" * deep + " }}",
    "lists": lambda deep: "{{ " + "[" * deep + "]" * deep + " }}",
    "negations": lambda deep: "{{ " + "not " * deep + "1 }}",
    "signs": lambda deep: "{{ " + "-" * deep + "1 }}",
    "loops": lambda deep: "{% for a in b %}" * 30 + "x" + "{% endfor %}" * 30,
    "conditions": lambda deep: "{% if a %}" * 200 + "x" + "{% endif %}" * 200,
}
DOCUMENTS = {
    "arrays": lambda deep: b'{"parameters": ' + b"[" * deep + b"]" * deep + b"}",
    "objects": lambda deep: b'{"parameters": ' + b'{"a": ' * deep + b"1" + b"}" * (deep + 1),
    "unfinished": lambda deep: b'{"parameters": ' + b"[" * deep,
}
PARQUETS = ("column-name", "footer")
POISON = (*TEMPLATES, *DOCUMENTS, *PARQUETS, *RAISED)


def poison_bodies(container: str, upload: Upload, chance: Random) -> dict[str, bytes]:
    """One body of each kind.

    Args:
        container: Where sources are.
        upload: Puts a source there under a name.
        chance: Says how deep.
    """
    deep = chance.randint(LEAST_DEPTH, MOST_DEPTH)
    bodies = {name: json.dumps(_notify(make(deep))).encode() for name, make in TEMPLATES.items()}
    bodies |= {name: make(deep) for name, make in DOCUMENTS.items()}
    for name, data in _parquets().items():
        source = {"kind": "parquet", "container": container}
        source["blob"] = upload(data, f"poison/{name}.parquet")
        bodies[name] = json.dumps({"workload": "reports", "source": source}).encode()
    items = {"kind": "inline", "items": [{"id": 1}]}
    for kind in RAISED:
        asked = {"workload": workload_name(kind), "source": items, "on_exceeded": "compensate"}
        bodies[kind] = json.dumps(asked).encode()
    return bodies


def _notify(template: str) -> dict[str, Any]:
    return {
        "workload": "notifications",
        "source": {"kind": "inline", "items": [{"id": "1", "webhook": "https://a.example/"}]},
        "parameters": {"templates": {"webhook": {"body": template}}},
    }


def _parquets() -> dict[str, bytes]:
    """A file whose column is called by no UTF-8, and one whose footer is noise."""
    file = io.BytesIO()
    pq.write_table(pa.table({"abcd": [1, 2]}), file)
    data = file.getvalue()
    noise = data[:-40] + b"\xff" * 32 + data[-8:]
    return {"column-name": data.replace(b"abcd", b"a\xff\xfed"), "footer": noise}
