"""The names of the files that are made from a photo: the same each time it is processed."""

import hashlib

THUMBNAIL = "thumbnail.jpg"
METADATA = "metadata.json"
# A blob's name has 1,024 characters: the run's id and the names of the files need theirs.
MAX_FOLDER_CHARACTERS = 880
_DIGEST_CHARACTERS = 9


def photo_folder(photo_name: str) -> str:
    """The folder of a photo's files: its name, made harmless where it would lead elsewhere.

    A very long name is cut.
    """
    segments = [segment if segment.strip(".") else "_" for segment in photo_name.split("/")]
    safe_name = "/".join(map(_safe_segment, segments))
    if safe_name == photo_name and len(photo_name) <= MAX_FOLDER_CHARACTERS:
        return photo_name
    # Two names may become the same safe name: the digest keeps their files apart.
    safe_name = safe_name[: MAX_FOLDER_CHARACTERS - _DIGEST_CHARACTERS]
    return f"{safe_name}-{hashlib.sha256(photo_name.encode()).hexdigest()[:8]}"


def _safe_segment(segment: str) -> str:
    return "".join(
        character if character.isprintable() and character != "\\" else "_" for character in segment
    )
