"""Pictures of every mode, format, orientation, profile and transparency: right, or refused by name.

The samples are drawn by seeds, and written from numbers that say what they must look like; none of
that is asked of the product (`tests/support/pictures`).
"""

import io
import time
from itertools import count

import numpy as np
import pytest
from PIL import Image

from tests.support.pictures.kinds import KINDS
from tests.support.pictures.reference import on_white
from tests.support.pictures.samples import Draw, Sample
from workloads.images.errors import UnsupportedImageError
from workloads.images.parameters import ImageParameters, Rendition
from workloads.images.photo import PhotoResult, process_photo

# Pillow warns of damaged profiles and of sizes.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
SEEDS = range(16)
PARAMETERS = ImageParameters(renditions=[Rendition(format="png")])
THUMBNAIL_TOLERANCE = 16


def pixels_of(result: PhotoResult, name: str) -> "np.ndarray":
    (content,) = (file.content for file in result.files if file.name == name)
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGBA")).astype(int)


def judge(sample: Sample, label: str) -> None:
    """Insist that a sample becomes what it holds, or is refused where it must be."""
    if sample.colours is None:
        with pytest.raises(UnsupportedImageError):
            process_photo(sample.data, PARAMETERS)
        return
    result = process_photo(sample.data, PARAMETERS)
    height, width, _ = sample.colours.shape
    assert (result.metadata["width"], result.metadata["height"]) == (width, height), label
    pixels = pixels_of(result, PARAMETERS.renditions[0].file_name)
    alpha = np.full((height, width), 255) if sample.alpha is None else sample.alpha
    wanted = on_white(sample.colours, alpha).astype(int)
    assert np.abs(pixels[:, :, 3] - alpha).max() <= sample.tolerance, label
    shown = on_white(pixels[:, :, :3], pixels[:, :, 3]).astype(int)
    assert np.abs(shown - wanted).max() <= sample.tolerance, label
    judge_thumbnail(result, wanted, sample.tolerance, label)


def judge_thumbnail(result: PhotoResult, wanted: "np.ndarray", tolerance: int, label: str) -> None:
    """Insist that the square of the middle, and its colours, are those of the picture on white."""
    height, width, _ = wanted.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = wanted[top : top + side, left : left + side]
    thumbnail = pixels_of(result, "thumbnail.jpg")[:, :, :3]
    wanted_mean = square.mean(axis=(0, 1))
    allowed = THUMBNAIL_TOLERANCE + tolerance
    assert np.abs(thumbnail.mean(axis=(0, 1)) - wanted_mean).max() <= allowed, label
    colours = [bytes.fromhex(colour["hex"][1:]) for colour in result.metadata["colours"]]
    shares = [colour["share"] for colour in result.metadata["colours"]]
    mean = np.average([[*colour] for colour in colours], axis=0, weights=shares)
    assert np.abs(mean - wanted_mean).max() <= allowed, label


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_a_kind_are_what_they_hold_or_are_refused(kind: str) -> None:
    for seed in SEEDS:
        sample = KINDS[kind](Draw(seed))
        judge(sample, f"{kind}, seed {seed}: {sample.name}")


@pytest.mark.chaos
def test_ever_more_pictures_are_what_they_hold_or_are_refused(chaos_seconds: float) -> None:
    deadline = time.monotonic() + chaos_seconds
    start = np.random.default_rng().integers(2**31)
    for seed in count(int(start)):
        for kind, draw_sample in KINDS.items():
            sample = draw_sample(Draw(seed))
            judge(sample, f"{kind}, seed {seed}: {sample.name}")
        if time.monotonic() > deadline:
            break
