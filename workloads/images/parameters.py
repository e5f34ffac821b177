"""The parameters of the workload `images`."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ImageFormat = Literal["jpeg", "webp", "avif", "png"]
MIB = 1_048_576
UNBOUNDED = 16_384
# A worker holds the sheet whole, at three bytes a pixel.
MAX_SHEET_PIXELS = 80_000_000


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rendition(_Model):
    """A copy of a photo that fits into these bounds; a smaller photo is not enlarged.

    Attributes:
        quality: Of a lossy format, 1 to 100.
    """

    max_width: int = Field(default=UNBOUNDED, ge=1, le=UNBOUNDED)
    max_height: int = Field(default=UNBOUNDED, ge=1, le=UNBOUNDED)
    format: ImageFormat = "webp"
    quality: int = Field(default=80, ge=1, le=100)

    @property
    def file_name(self) -> str:
        """Its name among the files of its photo."""
        height = "" if self.max_height == UNBOUNDED else f"x{self.max_height}"
        suffix = "jpg" if self.format == "jpeg" else self.format
        return f"{self.max_width}{height}-q{self.quality}.{suffix}"


class Thumbnail(_Model):
    """The square of a photo's middle; `size` in pixels."""

    size: int = Field(default=200, ge=16, le=1024)
    quality: int = Field(default=80, ge=1, le=100)


class ImageLimits(_Model):
    """The largest photo that is accepted; a larger one fails for good before it is decoded."""

    max_bytes: int = Field(default=64 * MIB, ge=1, le=512 * MIB)
    max_pixels: int = Field(default=100_000_000, ge=1, le=1_000_000_000)


class ContactSheet(_Model):
    """How many photos the contact sheet and the index show: the first ones of the source."""

    photos: int = Field(default=200, ge=1, le=2000)
    columns: int = Field(default=10, ge=1, le=50)


class ImageParameters(_Model):
    """What to make from each photo.

    Attributes:
        include_location: Whether the metadata says where the photo was taken.
        colours: How many dominant colours the metadata has.
    """

    renditions: list[Rendition] = Field(
        default=[
            Rendition(max_width=1600, format="webp"),
            Rendition(max_width=800, format="jpeg", quality=82),
        ],
        max_length=20,
    )
    thumbnail: Thumbnail = Thumbnail()
    include_location: bool = False
    colours: int = Field(default=5, ge=1, le=16)
    limits: ImageLimits = ImageLimits()
    contact_sheet: ContactSheet = ContactSheet()

    @model_validator(mode="after")
    def _check_sheet_size(self) -> Self:
        pixels = self.contact_sheet.photos * self.thumbnail.size**2
        if pixels > MAX_SHEET_PIXELS:
            raise ValueError(
                f"contact_sheet.photos: with thumbnails of this size the sheet has {pixels:,} "
                f"pixels; {MAX_SHEET_PIXELS:,} are allowed"
            )
        return self
