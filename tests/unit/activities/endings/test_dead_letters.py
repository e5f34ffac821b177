import pytest
from pydantic_core import from_json

from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from tests.support.replays.local_runs import RUN_ID, LocalRun, inline
from tests.support.workloads.probe_workloads import Sum

NAME = "DEAD-LETTERS-00000.jsonl"
TOLERANT = {"tolerance": {"percentage": 100}}


def letters(run: LocalRun) -> list[dict]:
    data = run.files.read(blob_paths.result_path(RUN_ID, NAME))
    return [from_json(line) for line in data.splitlines()]


def over(blob: bytes, source: dict, **more) -> LocalRun:
    source = {"container": "inbox", "blob": "items"} | source
    run = LocalRun(RunRequest.model_validate({"source": source} | TOLERANT | more))
    run.store.write("inbox", "items", blob)
    return run


def test_a_dead_letter_has_the_item_its_error_its_attempts_and_how_to_redrive_it():
    items = [{"id": 0}, {"id": 1, "ending": "permanent"}, {"id": 2, "ending": "transient"}]
    run = LocalRun(inline(items, retry={"max_attempts": 2, "base_seconds": 0}, **TOLERANT))
    run.run()
    path = "/api/runs/r/redrive"
    assert letters(run) == [
        {
            "index": 1,
            "status": "failed",
            "item_id": "item-1",
            "attempts": 1,
            "error": {"type": "PermanentError", "message": "never", "retryable": False},
            "item": items[1],
            "redrive": {"path": path, "body": {"error_types": ["PermanentError"]}},
        },
        {
            "index": 2,
            "status": "failed",
            "item_id": "item-2",
            "attempts": 2,
            "error": {"type": "TransientError", "message": "not ever", "retryable": True},
            "item": items[2],
            "redrive": {"path": path, "body": {"error_types": ["TransientError"]}},
        },
    ]
    listed = {file.name: file for file in run.manifest().files}[NAME]
    assert listed.count == 2


def test_a_run_without_failures_has_no_dead_letters():
    run = LocalRun(inline([{"id": 0}]))
    run.run()
    assert NAME not in [file.name for file in run.manifest().files]


def test_a_line_that_does_not_parse_is_kept_as_it_stands():
    blob = b'{"id":0}\n{"id":\n\n{"id":2,"ending":"permanent"}\n[1\n'
    run = over(blob, {"kind": "jsonl"}, workload="probe")
    run.run()
    assert [(o["index"], o["item"], o.get("raw")) for o in letters(run)] == [
        (1, None, '{"id":'),
        (2, {"id": 2, "ending": "permanent"}, None),
        (3, None, "[1"),
    ]


def test_a_row_over_many_lines_that_does_not_parse_is_kept_whole():
    table = b'n,text\r\n1,a\r\n2,"b\r\nb",c\r\nfour,d\r\n5,e\r\n'
    parameters = {"column": "n"}
    run = over(table, {"kind": "csv"}, workload=Sum.name, parameters=parameters)
    run.run()
    assert [(o["index"], o["item"], o.get("raw")) for o in letters(run)] == [
        (1, None, '2,"b\r\nb",c'),
        (2, {"n": "four", "text": "d"}, None),
    ]


def test_elements_on_one_line_that_do_not_parse_are_kept_apart():
    run = over(
        b'[{"id":1.}, {"id":0},\n[1 2], "x"]',
        {"kind": "json"},
        workload="probe",
        batch={"max_items": 9},
    )
    run.run()
    assert [(o["index"], o["item"], o.get("raw")) for o in letters(run)] == [
        (0, None, '{"id":1.}'),
        (2, None, "[1 2]"),
        (3, "x", None),
    ]


def test_a_chunk_given_up_on_has_a_letter_for_each_of_its_items():
    parameters = {"column": "n", "fail_attempts": 9, "permanent": True}
    run = over(b"n\n1\n2\n3\n", {"kind": "csv"}, workload=Sum.name, parameters=parameters)
    run.run()
    assert [(o["index"], o["item_id"], o["item"]) for o in letters(run)] == [
        (n, str(n), {"n": str(n + 1)}) for n in range(3)
    ]


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_source_that_changed_leaves_letters_without_their_items(is_gone):
    run = over(b'{"id":0,"ending":"permanent"}\n', {"kind": "jsonl"}, workload="probe")
    run.work_off(run.plan())
    if is_gone:
        run.store.delete("inbox", "items")
    else:
        run.store.write("inbox", "items", b'{"id":9}\n')
    assert run.finalize().items.failed == 1
    assert [(o["item_id"], o["item"]) for o in letters(run)] == [("item-0", None)]


def test_what_could_not_be_undone_says_how_to_undo_it_once_more():
    items = [{"id": 0, "undo": "permanent"}, {"id": 1}]
    run = LocalRun(inline(items, on_exceeded="compensate"))
    run.work_off(run.plan())
    run.compensate()
    run.finalize()
    redrive = {"path": "/api/runs/r/redrive", "body": {"error_types": ["PermanentError"]}}
    assert [(o["item_id"], o["redrive"]) for o in letters(run)] == [("item-0", redrive)]
