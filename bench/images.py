"""Photos per second through the whole product, beside Pillow alone in a pool of processes.

The pool does the same to the same photos (`workloads.images.photo`), and reads and writes files on
disk; the product reads and writes blobs, and keeps an outcome of each. The sample
photographs are enlarged to what a camera of twelve megapixels makes; `BENCH_PIXELS=0` takes them as
they are.

Azurite shares the cores with the product, as a storage account does not. So both are compared by
the clock, and by the processor time of the processes that work on photos.
"""

import io
import json
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bench.host import MeasuredHost, run_host
from bench.measure import save, show
from samples.images import photos
from workloads.images.parameters import ImageParameters
from workloads.images.photo import process_photo

ROOT = Path(__file__).parents[1]
SETTINGS = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
PHOTOS = int(os.environ.get("BENCH_PHOTOS", "240"))
LONG_SIDE = int(os.environ.get("BENCH_PIXELS", "4000"))
WORKERS = int(os.environ.get("BENCH_WORKERS", "2"))
BUDGET = 0.8
CPU_BUDGET = 0.95
# Each look at a run takes the cores away from it for 25 ms.
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Sample:
    """What a contender took for the album.

    Attributes:
        rate: Photos a second, by the clock.
        cpu: Processor time of its processes, in seconds.
    """

    rate: float
    cpu: float


def album() -> dict[str, bytes]:
    """The sample photographs, enlarged, under many names."""
    real = [(Path(name).stem + ".jpg", _enlarge(data)) for name, data in photos().items()]
    return {f"{n:05d}-{real[n % len(real)][0]}": real[n % len(real)][1] for n in range(PHOTOS)}


def _enlarge(data: bytes) -> bytes:
    if not LONG_SIDE:
        return data
    target = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        scale = LONG_SIDE / max(image.size)
        size = round(image.width * scale), round(image.height * scale)
        large = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    large.save(target, "JPEG", quality=92)
    return target.getvalue()


def write_files(source: Path, target: Path) -> int:
    """Process a photo as the workload does; return how many files were written."""
    photo = process_photo(source.read_bytes(), ImageParameters())
    folder = target / source.name
    folder.mkdir()
    for file in photo.files:
        (folder / file.name).write_bytes(file.content)
    (folder / "metadata.json").write_text(json.dumps(photo.metadata))
    return len(photo.files) + 1


def measure_pillow(photos_by_name: dict[str, bytes]) -> Sample:
    """Process the album with Pillow in processes of its own."""
    before = _cpu_of_children()
    with tempfile.TemporaryDirectory() as folder:
        sources, target = Path(folder, "in"), Path(folder, "out")
        sources.mkdir()
        target.mkdir()
        for name, data in photos_by_name.items():
            (sources / name).write_bytes(data)
        with ProcessPoolExecutor(WORKERS) as pool:
            pool.submit(write_files, next(sources.iterdir()), Path(tempfile.mkdtemp(dir=folder)))
            start = time.perf_counter()
            files = sum(pool.map(write_files, sorted(sources.iterdir()), [target] * PHOTOS))
            seconds = time.perf_counter() - start
    if files != 4 * PHOTOS:
        raise SystemExit(f"{files} files were made of {PHOTOS} photos")
    return Sample(PHOTOS / seconds, _cpu_of_children() - before)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure_product(host: MeasuredHost, photos_by_name: dict[str, bytes]) -> Sample:
    """Run the workload over the album, from POST to `done`."""
    inbox = host.container("album")
    for name, data in photos_by_name.items():
        inbox.upload_blob(name, data)
    source = {"kind": "listing", "container": "album"}
    request = {"workload": "images", "run_id": "bench", "source": source}
    before = sum(host.cpu_seconds_each())
    seconds, state = host.run(request, POLL_SECONDS)
    if state["items"]["succeeded"] != PHOTOS:
        raise SystemExit(f"the run ended {state['outcome']}: {state['items']}")
    return Sample(PHOTOS / seconds, sum(host.cpu_seconds_each()) - before)


def main() -> None:
    """Measure both, one after the other and again, print and save."""
    photos_by_name = album()
    samples: dict[str, list[Sample]] = {"pillow alone": [], "fanout": []}
    for _ in range(2):
        samples["pillow alone"].append(measure_pillow(photos_by_name))
        with run_host(ROOT, "--workers", str(WORKERS), environment=SETTINGS) as host:
            samples["fanout"].append(measure_product(host, photos_by_name))
    rates = {name: [one.rate for one in some] for name, some in samples.items()}
    cpu = {name: [one.cpu for one in some] for name, some in samples.items()}
    rows = [[name, _list(rates[name]), _list(cpu[name])] for name in samples]
    columns = ["contender", "photos/s", "processor seconds"]
    show(f"{PHOTOS} photos, {WORKERS} processes", columns, rows)
    ratio = max(rates["fanout"]) / max(rates["pillow alone"])
    cpu_ratio = min(cpu["pillow alone"]) / min(cpu["fanout"])
    print(f"fanout over pillow alone, by the clock: {ratio:.2f}x, budget {BUDGET}")
    print(f"by the processor time of both: {cpu_ratio:.2f}x, budget {CPU_BUDGET}")
    measured = {"photos": PHOTOS, "rates": rates, "cpu": cpu, "ratio": ratio}
    print(f"saved {save('images', measured | {'cpu_ratio': cpu_ratio})}")


def _list(figures: list[float]) -> str:
    return ", ".join(f"{figure:.1f}" for figure in figures)
