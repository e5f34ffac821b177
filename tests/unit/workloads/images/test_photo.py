"""What is made of a photo, on real photographs and on files that only pretend to be some."""

import contextlib
import io
import random
from typing import Any

import pytest
from PIL import Image

from fanout.errors import PermanentError
from samples.images import bomb, hostile, photos
from workloads.images.parameters import ImageLimits, ImageParameters, Rendition
from workloads.images.photo import PhotoResult, process_photo
from workloads.images.workload import Images

ROCKET = photos()["rocket.jpg"]
# Pillow warns of broken files in many words; what becomes of them is tested here.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
ORIENTATION, GPS, MODEL = 0x0112, 0x8825, 0x0110
# What a file may tell beside its picture, by Pillow's names.
TOLD = {"icc_profile", "exif", "xmp", "comment", "photoshop", "XML:com.adobe.xmp", "dpi"}
JPEG = Rendition(max_width=320, format="jpeg")


def saved(image: Image.Image, to: str = "JPEG", **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, to, **options)
    return target.getvalue()


def rocket() -> Image.Image:
    return Image.open(io.BytesIO(ROCKET)).convert("RGB")


def with_exif(orientation: int) -> bytes:
    """The rocket as a camera held so would have stored it."""
    turned = {1: rocket(), 6: rocket().rotate(90, expand=True), 3: rocket().rotate(180)}
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[MODEL] = "Camera 1"
    exif.get_ifd(GPS).update({1: "N", 2: (28.0, 33.0, 43.9), 3: "W", 4: (80.0, 34.0, 37.2)})
    return saved(turned[orientation], exif=exif, quality=95)


def opened(made: PhotoResult, name: str) -> Image.Image:
    (file,) = (one for one in made.files if one.name == name)
    return Image.open(io.BytesIO(file.content))


@pytest.mark.parametrize("name", photos())
def test_every_photograph_becomes_renditions_and_a_square(name: str) -> None:
    wanted = [
        Rendition(max_width=300, max_height=200, format=form)
        for form in ("jpeg", "webp", "avif", "png")
    ]
    made = process_photo(photos()[name], ImageParameters(renditions=wanted))
    source = Image.open(io.BytesIO(photos()[name]))
    assert (made.metadata["width"], made.metadata["height"]) == source.size
    for file in made.files[:-1]:
        picture = Image.open(io.BytesIO(file.content))
        assert picture.size == (file.width, file.height)
        assert picture.width <= 300 and picture.height <= 200
        assert picture.width / picture.height == pytest.approx(
            source.width / source.height, rel=0.02
        )
        assert not picture.getexif() and TOLD.isdisjoint(picture.info)
    assert opened(made, "thumbnail.jpg").size == (200, 200)
    assert sum(colour["share"] for colour in made.metadata["colours"]) == pytest.approx(1, abs=0.01)
    assert len(made.metadata["hash"]) == 16


@pytest.mark.parametrize("form", ["jpeg", "webp", "avif", "png"])
def test_nothing_that_a_photo_tells_comes_along(form: Any) -> None:
    place = b"<x:xmpmeta><exif:GPSLatitude>28,33.7N</exif:GPSLatitude></x:xmpmeta>"
    exif = Image.Exif()
    exif[MODEL] = "Camera 1"
    telling = saved(rocket(), exif=exif, comment=b"at home", xmp=place, dpi=(300, 300))
    assert TOLD - {"icc_profile", "photoshop", "XML:com.adobe.xmp"} <= set(
        Image.open(io.BytesIO(telling)).info
    )
    for width in (320, 5000):
        made = process_photo(
            telling, ImageParameters(renditions=[Rendition(max_width=width, format=form)])
        )
        for file in made.files:
            assert TOLD.isdisjoint(Image.open(io.BytesIO(file.content)).info), file.name
            assert b"GPSLatitude" not in file.content and b"at home" not in file.content


def test_a_rendition_without_bounds_has_all_pixels() -> None:
    made = process_photo(ROCKET, ImageParameters(renditions=[Rendition(format="webp")]))
    assert (made.files[0].width, made.files[0].height) == (640, 427)


def test_a_photo_that_is_nearly_square_is_not_taken_for_one_on_its_side() -> None:
    large = saved(rocket().resize((4000, 3999)))
    made = process_photo(large, ImageParameters(renditions=[]))
    assert (made.metadata["width"], made.metadata["height"]) == (4000, 3999)


def test_no_photo_is_made_larger() -> None:
    made = process_photo(
        ROCKET, ImageParameters(renditions=[Rendition(max_width=5000, format="webp")])
    )
    assert opened(made, "5000-q80.webp").size == (640, 427)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_photo_is_turned_upright(orientation: int) -> None:
    made = process_photo(with_exif(orientation), ImageParameters(renditions=[JPEG]))
    upright = process_photo(ROCKET, ImageParameters(renditions=[JPEG]))
    assert (made.metadata["width"], made.metadata["height"]) == (640, 427)
    picture = opened(made, "320-q80.jpg")
    assert picture.size == (320, 214)
    seen, wanted = (
        one.convert("RGB").resize((8, 8)).tobytes()
        for one in (picture, opened(upright, "320-q80.jpg"))
    )
    assert max(abs(a - b) for a, b in zip(seen, wanted, strict=True)) < 30


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_hashes_of_the_same_picture_are_close_and_of_others_far() -> None:
    parameters = ImageParameters(renditions=[])
    smaller = saved(rocket().resize((320, 214)), quality=60)
    same, again = (process_photo(data, parameters).metadata["hash"] for data in (ROCKET, smaller))
    other = process_photo(photos()["hubble.jpg"], parameters).metadata["hash"]
    assert distance(same, again) <= 6 < 12 < distance(same, other)


def test_where_a_photo_was_taken_is_told_only_if_asked_for() -> None:
    data = with_exif(1)
    plain = process_photo(data, ImageParameters()).metadata["exif"]
    assert plain == {"Model": "Camera 1", "Orientation": 1}
    asked = process_photo(data, ImageParameters(include_location=True)).metadata["exif"]
    assert asked["GPS"]["GPSLatitude"] == [28.0, 33.0, 43.9]


@pytest.mark.parametrize(
    "picture, to",
    [
        (lambda: rocket().convert("CMYK"), "JPEG"),
        (lambda: rocket().convert("L"), "JPEG"),
        (lambda: rocket().convert("P"), "GIF"),
        (lambda: rocket().convert("LA"), "PNG"),
        (lambda: rocket().convert("RGBA"), "PNG"),
        (lambda: rocket().convert("1"), "TIFF"),
        (lambda: rocket().convert("L").convert("I;16"), "PNG"),
        (lambda: rocket(), "BMP"),
        (lambda: rocket(), "AVIF"),
    ],
)
def test_pictures_of_every_mode_become_jpegs(picture: Any, to: str) -> None:
    made = process_photo(saved(picture(), to), ImageParameters(renditions=[JPEG]))
    assert opened(made, "320-q80.jpg").mode in ("RGB", "L")


def test_sixteen_bits_keep_their_brightness() -> None:
    for value, wanted in ((32_768, 128), (200, 1)):
        plain = Image.new("I;16", (64, 64), value)
        made = process_photo(saved(plain, "PNG"), ImageParameters(renditions=[JPEG]))
        found = opened(made, "320-q80.jpg").convert("L").getpixel((5, 5))
        assert found == pytest.approx(wanted, abs=2)


def test_transparency_is_white_in_a_jpeg_and_stays_in_webp() -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    wanted = [JPEG, Rendition(max_width=32, format="webp")]
    made = process_photo(saved(clear, "PNG"), ImageParameters(renditions=wanted))
    assert opened(made, "320-q80.jpg").getpixel((5, 5)) == (255, 255, 255)
    assert opened(made, "32-q80.webp").mode == "RGBA"


@pytest.mark.parametrize(
    "name, kind, told",
    [
        ("cut-short.jpg", "TruncatedImageError", "truncated"),
        ("bomb.png", "ImageTooLargeError", "60000 x 60000 pixels; 100,000,000 are allowed"),
        ("letter.jpg", "NotAnImageError", "it is none of JPEG"),
        ("empty.jpg", "NotAnImageError", "the blob is empty"),
        ("page.jpg", "NotAnImageError", "it is none of JPEG"),
    ],
)
def test_hostile_files_are_refused_for_good_and_told_why(name: str, kind: str, told: str) -> None:
    with pytest.raises(PermanentError, match=told) as refusal:
        process_photo(hostile()[name], ImageParameters())
    assert type(refusal.value).__name__ == kind


def test_a_bomb_within_the_limit_is_corrupt_and_costs_no_pixels() -> None:
    with pytest.raises(PermanentError, match=r"truncated|broken"):
        process_photo(bomb(3000, 3000), ImageParameters())


@pytest.mark.parametrize("to", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP"])
def test_a_photo_cut_anywhere_is_made_or_refused_for_good(to: str) -> None:
    frames = {"save_all": True, "append_images": [rocket().resize((160, 107))]}
    whole = saved(rocket().resize((160, 107)), to, **(frames if to in ("GIF", "TIFF") else {}))
    parameters = ImageParameters(renditions=[], limits=ImageLimits(max_pixels=10**7))
    refused = 0
    for end in range(1, len(whole), max(1, len(whole) // 60)):
        try:
            process_photo(whole[:end], parameters)
        except PermanentError:
            refused += 1
    assert refused > 10
    assert process_photo(whole, parameters).metadata["format"] == to


def test_broken_bytes_are_made_or_refused_for_good() -> None:
    parameters = ImageParameters(renditions=[], limits=ImageLimits(max_pixels=10**7))
    chance = random.Random(7)
    for to in ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF"):
        whole = saved(rocket().resize((160, 107)), to)
        for _ in range(40):
            data = bytearray(whole)
            for _ in range(8):
                data[chance.randrange(len(data))] = chance.randrange(256)
            with contextlib.suppress(PermanentError):
                process_photo(bytes(data), parameters)


def test_a_contact_sheet_that_no_worker_could_hold_is_refused() -> None:
    with pytest.raises(ValueError, match=r"contact_sheet.photos: .* pixels"):
        ImageParameters.model_validate(
            {"thumbnail": {"size": 1024}, "contact_sheet": {"photos": 2000}}
        )


def test_sources_without_blobs_and_renditions_of_one_name_are_refused() -> None:
    from fanout.records import SourceInfo

    parameters = ImageParameters(renditions=[JPEG, JPEG])
    problems = Images().check(parameters, SourceInfo(kind="inline"))
    assert [problem.field for problem in problems] == ["source.kind", "parameters.renditions.1"]
