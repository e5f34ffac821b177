"""Photos take no more memory together than there is, and one that takes more fails alone."""

import io
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from fanout.errors import PermanentError
from tests.support.pictures.files import image_file
from tests.support.pictures.jpeg import exif_of_preview
from workloads.images.errors import ImageTooLargeError
from workloads.images.memory import Room, estimate_bytes, room_of_process
from workloads.images.opening import open_image
from workloads.images.parameters import ImageLimits

ROOT = Path(__file__).parents[4]
MIB = 1024 * 1024
SIDE = 10_000
# A worker may have so much, of which Python and its packages take a part.
MAX_GROWTH_MIB = 850
BRIGHT = {"1": 1, "RGBA": (10, 200, 30, 128), "LA": (200, 99)}
CHILD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from workloads.images.parameters import ImageParameters
from workloads.images.photo import process_photo

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) // 1024

data = sys.stdin.buffer.read()
with ThreadPoolExecutor(4) as threads:
    made = list(threads.map(lambda _: process_photo(data, ImageParameters()), range(2)))
print(status("VmHWM"), [len(photo.files) for photo in made], made[0].metadata["width"])
"""


def png(side: int, colour_type: int, bands: int) -> bytes:
    """A square picture of zeros, without having its pixels in memory."""
    packer = zlib.compressobj(1)
    rows = [packer.compress(bytes(1 + side * bands)) for _ in range(side)]
    head = side.to_bytes(4, "big") * 2 + bytes([8, colour_type, 0, 0, 0])
    data = b"".join([*rows, packer.flush()])
    target = io.BytesIO(b"")
    target.write(b"\x89PNG\r\n\x1a\n")
    for kind, content in ((b"IHDR", head), (b"IDAT", data), (b"IEND", b"")):
        PngImagePlugin.putchunk(target, kind, content)
    return target.getvalue()


def test_two_photos_of_a_hundred_million_pixels_take_no_more_than_a_worker_has():
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        cwd=ROOT,
        input=png(SIDE, 6, 4),
        stdout=subprocess.PIPE,
        check=True,
    )
    peak, rest = done.stdout.decode().split(maxsplit=1)
    assert rest.strip() == f"[3, 3] {SIDE}"
    assert int(peak) < MAX_GROWTH_MIB


def test_a_photo_for_which_there_never_is_room_fails_for_good():
    room = Room(size=100, most=2)
    with pytest.raises(ImageTooLargeError, match="101 bytes"), room.place(101):
        pass
    assert issubclass(ImageTooLargeError, PermanentError)
    with room.place(100):
        pass


def test_a_photo_waits_until_there_is_room():
    room, is_in = Room(size=100, most=9), threading.Event()

    def take() -> None:
        with room.place(60):
            is_in.set()

    other = threading.Thread(target=take)
    with room.place(60):
        other.start()
        assert not is_in.wait(0.2)
    other.join()
    assert is_in.is_set()


def test_no_more_photos_are_at_work_than_there_are_places():
    room, lock, at_work, most = Room(size=100, most=2), threading.Lock(), [0], [0]

    def work() -> None:
        with room.place(1):
            with lock:
                at_work[0] += 1
                most[0] = max(most[0], at_work[0])
            with lock:
                at_work[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most[0] <= 2
    assert at_work == [0]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_a_photo_is_estimated_at_more_than_its_pixels(mode: str):
    target = io.BytesIO()
    Image.new(mode, (300, 200), BRIGHT.get(mode, 0)).save(target, "PNG")
    image = open_image(target.getvalue(), ImageLimits())
    estimated = estimate_bytes(image, (1600, 1600))
    image.load()
    assert estimated >= 2 * len(image.tobytes())


@pytest.mark.parametrize(("side", "scale"), [(1599, 1), (3199, 1), (3200, 2), (12_800, 8)])
def test_a_jpeg_is_estimated_as_it_is_decoded(side: int, scale: int):
    target = io.BytesIO()
    Image.new("L", (side, side)).save(target, "JPEG")
    whole = open_image(target.getvalue(), ImageLimits(max_pixels=10**9))
    estimated = estimate_bytes(whole, (1600, 1600))
    drafted = open_image(target.getvalue(), ImageLimits(max_pixels=10**9))
    drafted.draft(None, (1600, 1600))
    assert abs(side / drafted.width - scale) < 0.01
    assert estimated == pytest.approx(3 * drafted.width * drafted.height, rel=0.01)


@pytest.mark.parametrize(("mode", "bands"), [("L", 1), ("RGB", 3), ("CMYK", 4)])
def test_a_jpeg_of_several_scans_is_estimated_with_all_its_coefficients(mode: str, bands: int):
    sizes = []
    for is_progressive in (False, True):
        target = io.BytesIO()
        Image.new(mode, (400, 300)).save(target, "JPEG", progressive=is_progressive)
        sizes.append(estimate_bytes(open_image(target.getvalue(), ImageLimits()), (1600, 1600)))
    assert sizes[1] - sizes[0] == 2 * bands * 400 * 300


@pytest.mark.parametrize("is_progressive", [False, True])
def test_a_preview_within_a_jpeg_takes_no_memory(is_progressive: bool):
    photo, small = Image.new("RGB", (400, 300)), image_file(Image.new("RGB", (160, 120)), "JPEG")
    plain = image_file(photo, "JPEG", progressive=is_progressive)
    previewed = image_file(photo, "JPEG", progressive=is_progressive, exif=exif_of_preview(small))
    sizes = {
        estimate_bytes(open_image(data, ImageLimits()), (1600, 1600)) for data in (plain, previewed)
    }
    assert sizes == {(14 if is_progressive else 8) * 400 * 300}


def test_a_large_photo_of_a_camera_has_room_as_large_as_it_is():
    small = image_file(Image.new("RGB", (160, 120)), "JPEG")
    data = image_file(Image.new("RGB", (400, 300)), "JPEG", exif=exif_of_preview(small))
    # Only the head is read here, and it tells the size behind a depth of eight bits.
    sizes = [struct.pack(">BHH", 8, height, width) for height, width in ((300, 400), (6000, 10000))]
    opened = open_image(data.replace(*sizes), ImageLimits())
    assert opened.size == (10_000, 6_000)
    with room_of_process().place(estimate_bytes(opened, opened.size)):
        pass


@pytest.mark.parametrize("is_progressive", [False, True])
def test_the_first_picture_of_several_is_estimated_as_it_is_decoded(is_progressive: bool):
    photo = Image.new("RGB", (250, 200))
    several = {"save_all": True, "append_images": [photo], "progressive": is_progressive}
    opened = open_image(image_file(photo, "MPO", **several), ImageLimits())
    assert opened.format == "MPO"
    kept = 2 * 3 * 250 * 200 if is_progressive else 0
    assert estimate_bytes(opened, (50, 50)) == 8 * 250 * 200 // 4**2 + kept
    opened.draft(None, (50, 50))
    opened.load()
    assert opened.size == (63, 50)
