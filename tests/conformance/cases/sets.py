"""`task_all` and `task_any`."""

from tests.conformance.registry import in_any_order, simple

ALL: dict[str, list[str]] = {
    "first": ["plain", "ok", "ok"],
    "middle": ["ok", "plain", "ok"],
    "last": ["ok", "ok", "plain"],
    "two": ["plain", "ok", "odd"],
    "all": ["plain", "unicode"],
    "one": ["ok"],
}
ANY: dict[str, list[list[object]]] = {
    "first": [[0, None], [3, None]],
    "second": [[3, None], [0, None]],
    "fail_first": [[0, "bad"], [3, None]],
    "fail_last": [[3, "bad"], [0, None]],
    "both": [[0, "bad"], [1, "worse"]],
}

for _key, _words in ALL.items():
    _is_whole = _key not in ("first", "last", "two")
    simple(f"all_{_key}", "o_all", _words, output=not _is_whole, tidy=in_any_order)
for _key, _steps in ANY.items():
    simple(f"any_{_key}", "o_any", _steps, output=True)
simple("later", "o_later", seconds=20, tidy=in_any_order)
for _name in (
    "all_slow_failure",
    "all_empty",
    "any_empty",
    "nested",
    "twice",
    "never_yielded",
    "all_same",
):
    simple(_name, f"o_{_name}", seconds=20)
simple("fan_100", "o_fan", 100, output=True)
