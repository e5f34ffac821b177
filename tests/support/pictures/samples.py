"""Pictures of every kind, drawn by chance, each with what it must look like."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.support.pictures import profiles
from tests.support.pictures.reference import in_srgb, upright

# Levels far from the edges of sRGB: nothing is clipped, and no rounding is made large there.
_DIMMEST, _BRIGHTEST = 105, 165
_BLOCK_PIXELS = 16
# What a level may be off: by rounding; by a profile that is applied to what was rounded; by JPEG.
ROUNDING, DEEP, LOSSY = 2, 6, 16
_PROFILES: dict[int, Sequence[bytes]] = {
    1: (profiles.GREY,),
    3: (profiles.ADOBE_RGB, profiles.DISPLAY_P3),
    4: (profiles.PRESS,),
}
_ALL_PROFILES = [profile for fitting in _PROFILES.values() for profile in fitting]


@dataclass(frozen=True)
class Sample:
    """A file, and the upright picture that it holds.

    Attributes:
        name: What it is, for people.
        data: The file.
        colours: In sRGB, rows of columns of three levels; None if it has to be refused.
        alpha: None if it is opaque.
        tolerance: By how much a level may be off.
    """

    name: str
    data: bytes
    colours: "np.ndarray | None"
    alpha: "np.ndarray | None" = None
    tolerance: int = ROUNDING


class Draw:
    """The decisions about one sample, all by one seed.

    Attributes:
        orientation: As EXIF numbers it.
        traits: What was decided, for the sample's name.
    """

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.orientation = int(self.chance.integers(1, 9))
        self.traits = [f"orientation {self.orientation}"]

    def happens(self, trait: str, share: float = 0.5) -> bool:
        """Decide whether the sample has a trait."""
        has_trait = bool(self.chance.random() < share)
        self.traits += [trait] if has_trait else []
        return has_trait

    def choose(self, options: "Sequence[object]", label: str = "") -> int:
        """Choose one of some options; return which."""
        number = int(self.chance.integers(len(options)))
        self.traits.append(f"{label}{options[number]}" if label else f"{number}")
        return number

    def blocks(self, bands: int, low: float, high: float) -> "np.ndarray":
        """A picture of three by two even blocks, with samples from low to high."""
        levels = self.chance.uniform(low, high, (2, 3, bands))
        return self.enlarge(levels)

    @staticmethod
    def enlarge(levels: "np.ndarray") -> "np.ndarray":
        """Make a block of every pixel."""
        return levels.repeat(_BLOCK_PIXELS, axis=0).repeat(_BLOCK_PIXELS, axis=1)

    def levels(self, bands: int, bits: int = 8) -> "np.ndarray":
        """Unsigned samples of so many bits."""
        most = 2**bits - 1
        blocks = self.blocks(bands, _DIMMEST / 255 * most, _BRIGHTEST / 255 * most)
        return np.rint(blocks).astype(np.uint8 if bits <= 8 else np.uint16)

    def alpha(self, bits: int = 8) -> "np.ndarray":
        """Alpha from clear to opaque, of one band."""
        shares = np.array([[0, 1, 0.5], [0.25, 0.9, 0]])[:, :, None]
        return self.enlarge(
            np.rint(shares * (2**bits - 1)).astype(np.uint8 if bits <= 8 else np.uint16)
        )

    def profile(self, bands: int) -> tuple[bytes | None, bytes | None]:
        """What a file has as its profile, and the profile that counts."""
        number = self.chance.integers(6)
        if number <= 1:
            return None, None
        if number == 2:
            self.traits.append("damaged profile")
            return profiles.DAMAGED, None
        if number == 3:
            self.traits.append("profile of others")
            others = [profile for profile in _ALL_PROFILES if profile not in _PROFILES[bands]]
            return others[self.chance.integers(len(others))], None
        self.traits.append("profile")
        fitting = _PROFILES[bands]
        profile = fitting[self.chance.integers(len(fitting))]
        return profile, profile

    def exif(self) -> bytes:
        """EXIF that has the orientation alone."""
        return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, self.orientation, 0, 0)

    def sample(
        self,
        kind: str,
        data: bytes,
        colours: "np.ndarray | None",
        profile: bytes | None = None,
        *,
        alpha: "np.ndarray | None" = None,
        tolerance: int = ROUNDING,
    ) -> Sample:
        """Make a sample of stored colours of 8 bits: grey, RGB or CMYK."""
        name = ", ".join([kind, *self.traits])
        if colours is None:
            return Sample(name, data, None)
        shown = upright(in_srgb(colours, profile), self.orientation)
        turned = None if alpha is None else upright(alpha[:, :, 0], self.orientation)
        return Sample(name, data, shown, turned, tolerance)
