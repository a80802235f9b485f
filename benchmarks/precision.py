"""Count what the rules of `mlkit check` find in the sources of others, by what was judged of it.

Every blocking finding is looked at once, in its lines, and labelled in
`precision.csv`: `true` where the standard is broken; `deliberate` where it is,
and a test, an example or a cache is right to break it; `false` where the rule is
wrong about the code. A finding without a label, and a label that nothing is found
for, are told, and make the exit code 1.
"""

import csv
import hashlib
import io
import sys
import tarfile
import tomllib
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from environments import FOLDER, uv
from reporting import say

from mlkit.standards.checking import Checked, check
from mlkit.standards.choosing import Choice
from mlkit.standards.rules import RULES

HERE = Path(__file__).parent
SOURCES = FOLDER / "sources"
PINS = HERE / "precision.txt"
VERDICTS = ("true", "deliberate", "false")
#: What is looked at of a project whose archive also holds its built documentation.
PARTS = {"imbalanced-learn": ("examples", "imblearn")}

#: Project, file, cell of a notebook, line, code.
Place = tuple[str, str, int, int, str]


def pinned() -> dict[str, tuple[str, str]]:
    """Return the version of each project, and its archive's SHA-256."""
    found = {}
    for line in PINS.read_text().splitlines():
        if "==" in line:
            project, _, rest = line.partition("==")
            version, _, digest = rest.partition(" --hash=sha256:")
            found[project] = (version, digest)
    return found


def sources(project: str) -> Path:
    """Return the folder that a project's source distribution is unpacked in."""
    version, digest = pinned()[project]
    folder = SOURCES / f"{project.replace('-', '_')}-{version}"
    if not folder.is_dir():
        say(f"Downloading: {project} {version}")
        with urlopen(address(project)) as answer:  # noqa: S310  # what comes is held to its digest
            packed = answer.read()
        if hashlib.sha256(packed).hexdigest() != digest:
            raise SystemExit(f"The archive of {project} {version} is not the pinned one.")
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(SOURCES, filter="data")
    return folder


@cache
def locked() -> list[dict[str, Any]]:
    """Let uv say where the archives are: pip would also build scikit-learn, for minutes."""
    SOURCES.mkdir(parents=True, exist_ok=True)
    lock = SOURCES / "pylock.toml"
    uv("pip", "compile", "--no-deps", "--format", "pylock.toml", "-o", lock, PINS)
    return tomllib.loads(lock.read_text())["packages"]


def address(project: str) -> str:
    """Return where a project's source distribution is."""
    (package,) = (package for package in locked() if package["name"] == project)
    return package["sdist"]["url"]


def labels() -> dict[Place, str]:
    """Return what was judged of each place."""
    with (HERE / "precision.csv").open(newline="") as file:
        return {
            (row["project"], row["path"], int(row["cell"]), int(row["line"]), row["code"]): row[
                "verdict"
            ]
            for row in csv.DictReader(file)
        }


def main() -> int:
    """Print a line for each rule and project, and what lacks a label."""
    judged, places = labels(), Counter[Place]()
    files: dict[str, Checked] = {}
    for project in pinned():
        folder = sources(project)
        files[project] = check([folder / part for part in PARTS.get(project, (".",))], Choice())
        for found in files[project].findings:
            if found.severity == "error":
                path = Path(found.path).relative_to(folder).as_posix()
                places[project, path, found.cell, found.line, found.code] += 1
    print("| project | version | files |\n|---|---|---:|")
    for project, found in files.items():
        print(f"| {project} | {pinned()[project][0]} | {found.n_files:,} |")
    print()
    table(places, judged)
    unlabelled = [place for place in places if judged.get(place) not in VERDICTS]
    stale = [place for place in judged if place not in places]
    for what, wrong in (("has no label", unlabelled), ("is no longer found", stale)):
        for place in wrong:
            say(f"{','.join(map(str, place))} {what}")
    return int(bool(unlabelled or stale))


def table(places: Counter[Place], judged: dict[Place, str]) -> None:
    """Print the counts of each rule in each project, and of all."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for place, n_hits in places.items():
        project, *_, code = place
        for key in ((code, project), ("all", "all")):
            counts[key][judged.get(place, "unlabelled")] += n_hits
    print("| rule | project | hits | true | of these deliberate | false |")
    print("|---|---|---:|---:|---:|---:|")
    for (code, project), by in sorted(counts.items()):
        name = f"{code}: {RULES[code].name}" if code in RULES else f"**{code}**"
        true = by["true"] + by["deliberate"]
        print(
            f"| {name} | {project} | {by.total()} | {true} | {by['deliberate']} | {by['false']} |"
        )


if __name__ == "__main__":
    sys.exit(main())
