import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.naming import blob_paths
from fanout.naming.blob_paths import BatchName
from fanout.naming.instance_ids import RUN_ID_PATTERN, is_run_id
from fanout.naming.row_keys import Stage

run_ids = st.from_regex(RUN_ID_PATTERN, fullmatch=True).filter(is_run_id)
numbers = st.integers(1, 10**6)
batch_names = st.builds(BatchName, numbers, numbers, numbers, st.integers(0, 99))


@given(run_ids)
def test_a_name_in_the_index_of_earlier_versions_tells_its_run(run_id: str):
    path = f"{blob_paths.EARLIER_INDEX_FOLDER}8204031517427/orders/{run_id}"
    assert blob_paths.parse_earlier_index_path(path) == run_id


@given(run_ids, numbers)
def test_the_claim_of_an_attempt_tells_its_number(run_id: str, attempt: int):
    assert blob_paths.parse_attempt_path(blob_paths.attempt_path(run_id, attempt)) == attempt
    assert blob_paths.parse_attempt_path(blob_paths.request_path(run_id)) is None


@given(run_ids, numbers, st.sampled_from(["process", "compensate"]), batch_names)
def test_a_part_tells_whose_outcomes_it_holds(
    run_id: str, attempt: int, stage: Stage, name: BatchName
):
    part = blob_paths.part_path(run_id, blob_paths.generation(attempt, stage), name)
    assert blob_paths.parse_part_path(part) == name
    partial = blob_paths.partial_path(part)
    assert blob_paths.parse_part_path(partial) is None
    assert blob_paths.is_partial_path(partial) and not blob_paths.is_partial_path(part)


@given(run_ids, numbers, batch_names)
def test_a_part_that_compensation_wrote_tells_its_run_and_pass(
    run_id: str, attempt: int, name: BatchName
):
    undo = blob_paths.generation(attempt, "compensate")
    path = blob_paths.part_path(run_id, undo, name)
    assert blob_paths.parse_undo_part(path) == (run_id, undo, name)
    process = blob_paths.generation(attempt)
    assert blob_paths.process_generation(undo) == process == blob_paths.process_generation(process)
    assert blob_paths.parse_undo_part(blob_paths.part_path(run_id, process, name)) is None
    assert blob_paths.parse_undo_part(blob_paths.request_path(run_id)) is None


@given(run_ids, numbers, batch_names)
def test_the_items_of_a_batch_of_sagas_tell_which_batch(run_id: str, attempt: int, name: BatchName):
    path = blob_paths.saga_batch_path(run_id, attempt, name)
    whole = BatchName(name.partition, name.first_cut, retry_round=name.retry_round)
    assert blob_paths.parse_saga_batch_path(path) == (attempt, whole)


def test_no_other_file_is_a_batch_of_sagas():
    with pytest.raises(ValueError, match="no batch of sagas"):
        blob_paths.parse_saga_batch_path(blob_paths.saga_record_path("r", 0, 1))


@pytest.mark.parametrize("name", ["a.png", "thumbnails/7.jpg", "..a"])
def test_a_file_of_an_item_is_known_by_its_name(name: str):
    file = blob_paths.item_file_name(name)
    assert file is not None and blob_paths.is_item_file_name(file)
    assert blob_paths.result_path("r", file).startswith(blob_paths.item_files_folder("r"))


@pytest.mark.parametrize("name", ["report.json", "files/", "files/../manifest.json", "files/a//b"])
def test_no_other_result_is_a_file_of_an_item(name: str):
    assert not blob_paths.is_item_file_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "../x", "a/../b", "a\x00", "a\\b", "\udce9", "x" * 501, "files/a"),
        *("manifest.json", "SUCCEEDED-00000.jsonl", "DEAD-LETTERS-00000.jsonl.gz"),
    ],
)
def test_a_name_that_leads_elsewhere_or_is_our_own_can_name_no_rendered_file(name: str):
    assert not blob_paths.is_rendered_file_name(name)


@pytest.mark.parametrize("name", ["report.json", "pages/1.html", "größe 50 %.csv", "x" * 500])
def test_a_usual_name_can_name_a_rendered_file(name: str):
    assert blob_paths.is_rendered_file_name(name)
