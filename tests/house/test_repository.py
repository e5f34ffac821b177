"""The house itself: what every file of the repository must keep to."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = {".py", ".md", ".json", ".toml", ".txt", ".html", ".js", ".css", ".bicep", ".yaml", ".yml"}
MAX_REPOSITORY_BYTES = 20 * 1024 * 1024
DATA = {".csv", ".jsonl", ".parquet", ".gz", ".zst", ".jpg", ".jpeg", ".webp"}
PICTURES_WE_MADE = ROOT / "docs"


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def text_files() -> list[Path]:
    return [path for path in tracked() if path.suffix in TEXT or path.name == "Makefile"]


def test_the_repository_stays_under_20_mib():
    assert sum(path.stat().st_size for path in tracked()) < MAX_REPOSITORY_BYTES


def test_no_lock_file_records_a_download_address():
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()
    for name in (
        "requirements.txt",
        "requirements-dev.txt",
        "requirements.lock.txt",
        "requirements-sdk2.txt",
    ):
        assert "://" not in (ROOT / name).read_text()


def test_no_file_names_a_registry_or_a_path_of_somebodys_machine():
    registries = "|".join(("pypi" + r"\.org", "npmjs" + r"\.(org|com)", "python" + "hosted"))
    homes = "|".join(("/ro" + "ot/", "/ho" + "me/[a-z]+/", "/wo" + "rk/", "/Us" + "ers/"))
    forbidden = re.compile(f"{registries}|(?<![\\w.]){homes}")
    lock = ROOT / "package-lock.json"
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in text_files()
        if path != lock
        for match in forbidden.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_work_is_left_behind_as_a_note():
    marker = re.compile(r"\b(TO" + "DO|FIX" + "ME|XX" + r"X)\b")
    found = [path for path in text_files() if marker.search(path.read_text(encoding="utf-8"))]
    assert [path for path in found if path.name != "package-lock.json"] == []


def test_every_requirement_is_pinned_to_one_version():
    for path in ROOT.glob("**/requirements*.txt"):
        if {".venv", "node_modules", ".bench"} & set(path.parts):
            continue
        for line in path.read_text().splitlines():
            if line and not line.startswith(("#", "-r", "-c")):
                # What differs between the Pythons says where it is for.
                pinned = r"[\w.\[\]-]+==[\w.]+(; python_version (<|>=) \"3\.\d+\")?$"
                assert re.match(pinned, line), f"{path.name}: {line}"


def test_data_files_have_their_licence_and_source_beside_them():
    for path in tracked():
        is_data = path.suffix in DATA and PICTURES_WE_MADE not in path.parents
        if is_data and "tests" not in path.parts:
            text = (path.parent / "README.md").read_text().lower()
            assert "licence" in text and "source" in text, path


@pytest.mark.parametrize("name", ["host.json", "local.settings.json.example", "package.json"])
def test_settings_files_are_json(name: str):
    json.loads((ROOT / name).read_text())


def test_host_json_asks_for_the_bundle_and_names_the_hub():
    host = json.loads((ROOT / "host.json").read_text())
    assert host["version"] == "2.0"
    assert host["extensionBundle"] == {
        "id": "Microsoft.Azure.Functions.ExtensionBundle",
        "version": "[4.*, 5.0.0)",
    }
    hub = host["extensions"]["durableTask"]["hubName"]
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]{2,44}", hub)


def test_every_make_target_is_described():
    lines = (ROOT / "Makefile").read_text().splitlines()
    # A line that exports a variable for a target does not define it.
    targets = [line for line in lines if re.match(r"^[a-z]+:(?! export)", line)]
    assert targets and all(" ## " in line for line in targets)
    wanted = {"setup", "demo", "start", "test", "lint", "bench", "clean", "help"}
    assert wanted <= {line.split(":")[0] for line in targets}
