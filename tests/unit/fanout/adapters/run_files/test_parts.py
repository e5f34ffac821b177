"""Whatever parts and records executions leave, each cut is in one batch, of whoever carried it out.

The oracle is a model of what executions may leave: a batch writes its part, or a record and a part
of what it has kept; what it gave back becomes batches, of which each may do the same, or be left to
the next wave; any of them may die before it has written anything.
"""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.run_files.outcome_pages import outcome_page
from fanout.adapters.run_files.part_reader import planned_batches
from fanout.adapters.run_files.parts import list_parts
from fanout.messages.run import RunRef
from fanout.models.plan import Cut, PartitionPlan, PlanManifest
from fanout.naming import blob_paths
from fanout.naming.blob_paths import BatchName
from fanout.outcomes.lines import succeeded_line
from fanout.outcomes.rests import rest_record
from tests.support.doubles.memory_store import MemoryStore

RUN_ID = "r"
ITEMS_A_CUT = 2


@dataclass
class Leavings:
    """What executions have left of the partitions of a run.

    Attributes:
        owners: Whose part is the truth of each cut; those of nobody are left out.
    """

    cuts: int
    partitions: int
    draw: st.DrawFn
    owners: dict[tuple[int, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.files = RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it
        a_partition = self.cuts // self.partitions
        manifest = PlanManifest(
            items=self.cuts * ITEMS_A_CUT,
            cuts=self.cuts,
            partitions=self.partitions,
            cuts_per_partition=a_partition,
        )
        self.files.write_model(blob_paths.plan_path(RUN_ID), manifest)
        for number in range(self.partitions):
            firsts = range(number * a_partition, (number + 1) * a_partition)
            cuts = [Cut(0, 0, cut * ITEMS_A_CUT, ITEMS_A_CUT, 0) for cut in firsts]
            plan = PartitionPlan(partition=number, cuts=cuts)
            self.files.write_model(blob_paths.partition_path(RUN_ID, number), plan)

    @property
    def manifest(self) -> PlanManifest:
        return self.files.manifest(RUN_ID)

    def leave(self, partition: int) -> None:
        """Have waves carried out, of batches that take a few cuts each."""
        at, end = 0, self.cuts // self.partitions
        while at < end and self.draw(st.integers(0, 7)):
            span = self.draw(st.integers(1, end - at))
            at = self._carry_out(partition, at, span, is_last=True)

    def _carry_out(self, partition: int, first: int, span: int, *, is_last: bool) -> int:
        """Have a batch carried out; gives the cut after the last one that anybody was to do."""
        act = self.draw(st.sampled_from(["all", "all", "dies", "keeps", "keeps", "keeps, dies"]))
        if act == "dies":
            return first + span
        if act == "all" or span == 1:
            self._write_rounds(partition, first, span)
            return first + span
        kept = self.draw(st.integers(1, span - 1))
        index = self._first_index(partition, first)
        record = rest_record(index, kept * ITEMS_A_CUT, (span - kept) * ITEMS_A_CUT)
        self._write(BatchName(partition, first, span), record)
        if act == "keeps":
            self._write_rounds(partition, first, kept)
        rest = first + kept
        if is_last and self.draw(st.booleans()):
            return rest
        return self._share_out(partition, rest, first + span, is_last=is_last)

    def _share_out(self, partition: int, first: int, end: int, *, is_last: bool) -> int:
        at = first
        while at < end:
            span = self.draw(st.integers(1, end - at))
            done = self._carry_out(partition, at, span, is_last=is_last and at + span == end)
            if done < at + span:
                return done
            at += span
        return end

    def _write_rounds(self, partition: int, first: int, span: int) -> None:
        """Write the parts of some rounds of a batch, of which the newest is the truth."""
        last = self.draw(st.sampled_from([0, 0, 1, 2]))
        for retry_round in range(last + 1):
            name = BatchName(partition, first, span, retry_round)
            lines = [
                succeeded_line(index, str(index), retry_round, 1, 1.0)
                for index in range(
                    self._first_index(partition, first), self._first_index(partition, first + span)
                )
            ]
            path = self._write(name, b"".join(lines))
            self.owners |= {(partition, cut): path for cut in range(first, first + span)}

    def _write(self, name: BatchName, data: bytes) -> str:
        path = blob_paths.part_path(RUN_ID, blob_paths.FIRST, name)
        self.files.write(path, data)
        return path

    def _first_index(self, partition: int, cut: int) -> int:
        return (partition * (self.cuts // self.partitions) + cut) * ITEMS_A_CUT


@st.composite
def leavings(draw: st.DrawFn) -> Leavings:
    partitions = draw(st.integers(1, 3))
    left = Leavings(partitions * draw(st.integers(1, 12)), partitions, draw)
    for partition in range(partitions):
        left.leave(partition)
    return left


@given(left=leavings())
def test_each_cut_is_in_one_batch_of_whoever_carried_it_out(left: Leavings):
    parts = list_parts(left.files, RUN_ID).get(blob_paths.FIRST)
    listed = list(parts.newest) if parts is not None else []
    assert listed == sorted(listed)
    covered: dict[tuple[int, int], str] = {}
    if parts is not None:
        for batch in planned_batches(left.files, RUN_ID, left.manifest, parts):
            origin = batch.origin
            for cut in range(origin.first_cut, origin.first_cut + origin.span):
                assert (origin.partition, cut) not in covered
                covered[origin.partition, cut] = origin.part or ""
        assert len(covered) == left.cuts
    for place, path in left.owners.items():
        assert covered[place] == path


@given(left=leavings(), limit=st.integers(1, 9))
def test_pages_of_a_run_at_work_have_every_item_once_in_order(left: Leavings, limit: int):
    token, found = None, []
    while True:
        page = outcome_page(left.files, RunRef(run_id=RUN_ID), None, limit, token)
        assert len(page.items) <= limit
        for item in page.items:
            first, count = item["index"], item.get("count", 1)
            found += [(index, item["status"]) for index in range(first, first + count)]
        token = page.continuation
        if token is None:
            break
    assert [index for index, _ in found] == list(range(left.cuts * ITEMS_A_CUT))
    ended = {
        (partition * (left.cuts // left.partitions) + cut) * ITEMS_A_CUT + item
        for partition, cut in left.owners
        for item in range(ITEMS_A_CUT)
    }
    assert {index for index, status in found if status == "succeeded"} == ended
