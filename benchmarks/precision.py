"""Count what the rules of `mlkit check` find in the sources of others, by what was judged of it.

Every blocking finding is looked at once, in its lines, and labelled in
`precision.csv`: `true` where the standard is broken; `deliberate` where it is,
and a test, an example or a cache is right to break it; `false` where the rule is
wrong about the code. A finding without a label, and a label that nothing is found
for, are told, and make the exit code 1.
"""

import csv
import subprocess
import sys
import tarfile
from collections import Counter, defaultdict
from pathlib import Path

from environments import FOLDER, ROOT
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


def pinned() -> dict[str, str]:
    """Return the version of each project."""
    lines = PINS.read_text().splitlines()
    found = (line.split(" ")[0].split("==") for line in lines if "==" in line)
    return dict(found)


def sources(project: str, version: str) -> Path:
    """Return the folder that a project's source distribution is unpacked in."""
    stem = f"{project.replace('-', '_')}-{version}"
    folder = SOURCES / stem
    if not folder.is_dir():
        say(f"Downloading: {stem}")
        archive = SOURCES / f"{stem}.tar.gz"
        if not archive.is_file():
            download()
        with tarfile.open(archive) as packed:
            packed.extractall(SOURCES, filter="data")
    return folder


def download() -> None:
    """Get all source distributions; pip prepares scikit-learn's, which takes minutes."""
    SOURCES.mkdir(parents=True, exist_ok=True)
    pip = [ROOT / ".tools" / "bin" / "python", "-m", "pip", "download", "--quiet"]
    what = ["--no-deps", "--no-binary", ",".join(pinned()), "--require-hashes", "-r", PINS]
    subprocess.run(list(map(str, [*pip, *what, "-d", SOURCES])), check=True, stdout=sys.stderr)


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
    for project, version in pinned().items():
        folder = sources(project, version)
        files[project] = check([folder / part for part in PARTS.get(project, (".",))], Choice())
        for found in files[project].findings:
            if found.severity == "error":
                path = Path(found.path).relative_to(folder).as_posix()
                places[project, path, found.cell, found.line, found.code] += 1
    print("| project | version | files |\n|---|---|---:|")
    for project, found in files.items():
        print(f"| {project} | {pinned()[project]} | {found.n_files:,} |")
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
    print(
        "| rule | project | hits | true | of these deliberate | false |\n|---|---|---:|---:|---:|---:|"
    )
    for (code, project), by in sorted(counts.items()):
        name = f"{code}: {RULES[code].name}" if code in RULES else f"**{code}**"
        true = by["true"] + by["deliberate"]
        print(
            f"| {name} | {project} | {by.total()} | {true} | {by['deliberate']} | {by['false']} |"
        )


if __name__ == "__main__":
    sys.exit(main())
