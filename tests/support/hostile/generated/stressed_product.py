"""The product with a broker of its own, neighbours that go on, and a look at what it takes."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.support.hostile.generated.calls import Calls
from tests.support.hostile.generated.flood import peak_mib
from tests.support.hosts.fanout_bus import FanoutBus
from tests.support.hosts.host_process import HostProcess
from tests.support.hosts.patient_host import PatientHost
from tests.support.hosts.product import Product
from tests.support.hosts.running_product import product_on

MAX_PEAK_MIB = 1024
ANSWER_SECONDS = 30
# What a neighbour waits for at most: its own seconds, and those of a busy machine.
_PATIENCE_SECONDS = 240
_OVER = "over"


@dataclass
class StressedProduct:
    """The product as it is stressed.

    Attributes:
        product: Asked again where it is busy.
        host: Asked once.
        calls: Generates calls of its API.
    """

    product: Product
    host: HostProcess
    bus: FanoutBus
    calls: Calls

    @contextmanager
    def insist_on_calm(self) -> Iterator[None]:
        """Run well-formed runs meanwhile; then see that they succeeded, and what it all took."""
        before = set(peak_mib(self.host))
        neighbours = _Neighbours(self.product)
        with neighbours.at_work():
            yield
        assert neighbours.outcomes
        assert {*neighbours.outcomes} == {"succeeded"}, self.host.log[-4000:]
        peaks = peak_mib(self.host)
        print(f"peak MiB by process: {peaks}; neighbours: {len(neighbours.outcomes)}")
        assert peaks.keys() == before, f"a worker has died: {self.host.log[-4000:]}"
        assert max(peaks.values()) <= MAX_PEAK_MIB


class _Neighbours:
    """Well-formed runs, one after the other."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._is_over = threading.Event()
        self.outcomes: list[str] = []

    @contextmanager
    def at_work(self) -> Iterator[None]:
        worker = threading.Thread(target=self._run)
        worker.start()
        try:
            yield
        finally:
            self._is_over.set()
            worker.join()

    def _run(self) -> None:
        while not self.outcomes or not self._is_over.wait(0.5):
            try:
                self.outcomes.append(run_neighbour(self._product))
            except Exception as error:
                self.outcomes.append(f"{type(error).__name__}: {error}"[:2_000])
                return


def run_neighbour(product: Product, **more: Any) -> str:
    """Run a well-formed run to its end, and give its outcome."""
    source = {"kind": "inline", "items": [{"id": number} for number in range(3)]}
    answer = product.post({"workload": "probe", "source": source} | more)
    assert answer.status in (200, 202), answer.body
    return str(product.done(answer.json["run_id"], _PATIENCE_SECONDS)["outcome"])


@contextmanager
def stressed_product(storage: str, folder: Path) -> Iterator[StressedProduct]:
    """Start the product, with a run that is over."""
    bus = FanoutBus(folder / "bus")
    settings = {
        "FANOUT_RUNS_CONTAINER": f"floods-{secrets.token_hex(4)}",
        "FANOUT_SERVICE_BUS": bus.connection_string,
        "FANOUT_MAX_REQUESTS_PER_MINUTE": "1000000",
        "FANOUT_MAX_RUNS": "100",
        "FANOUT_LOG_LEVEL": "ERROR",
    }
    try:
        with product_on(storage, folder, **settings) as product:
            assert isinstance(product.host, HostProcess)
            asked_again = replace(product, host=PatientHost(product.host, ANSWER_SECONDS))
            run_neighbour(asked_again, run_id=_OVER)
            yield StressedProduct(asked_again, product.host, bus, calls_of(product))
    finally:
        bus.close()


def calls_of(product: Product) -> Calls:
    """What generates calls for what the app says of itself."""
    document = product.host.get("/api/openapi.json").json
    names = [one["name"] for one in product.host.get("/api/workloads").json["workloads"]]
    described = {name: product.host.get(f"/api/workloads/{name}").json for name in names}
    parameters = {name: one["parameters"] for name, one in described.items()}
    return Calls(document, parameters, [_OVER])
