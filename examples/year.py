"""Use a model for a year: serve it, label what it said, watch it, retrain it when it is due.

The model is trained on the flights of January to March. Then, month by month: the flights
are predicted over HTTP, by the champion; the answers of the month before arrive; mlkit
monitor looks, and mlkit retrain decides. At the end the first model is held against the
champions of each month, on the same flights, and so is what was estimated before the
answers came. The tables are printed as Markdown.

    python examples/year.py FOLDER [--every N] [--last MONTH]
"""

import argparse
import json
import socket
import subprocess
import sys
import time
from importlib.metadata import distributions
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pandas as pd
from prepare_flights import all_flights

from mlkit import Predictor
from mlkit.core.table import Table
from mlkit.history.reading import read_log
from mlkit.training.judging.metrics import METRICS

ROOT = Path(__file__).resolve().parent.parent
NAME = "flight-delay"
TIME = "scheduled_departure"
#: The last month that the first model knows.
FIRST = 3
#: A flight is late from so many minutes on, as the template's target says.
LATE = 30
#: Records of one request.
AT_ONCE = 500
#: Of the tracking store and the registry.
URI = "sqlite:///mlruns.db"
WATCH = [f"monitoring.time={TIME}", "monitoring.window=month"]
RETRAIN = [
    *WATCH,
    *("retraining.source=log", "retraining.cool_down_days=0"),
    *(f"tracking.uri={URI}", "evaluation.compare_splits=false"),
]


def main() -> None:
    """Live through the year, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the project is made")
    parser.add_argument("--every", type=int, default=1, help="take each Nth flight only")
    parser.add_argument("--last", type=int, default=12, help="the last month")
    arguments = parser.parse_args()
    flights = all_flights().iloc[:: arguments.every].reset_index(drop=True)
    project = arguments.folder.resolve()
    start(project, flights[flights[TIME].dt.month <= FIRST])
    told = []
    for month in range(FIRST + 1, arguments.last + 1):
        now = flights[flights[TIME].dt.month == month]
        version = champion(project)
        serve(project, now, month)
        if month > FIRST + 1:
            label(project, flights, month - 1)
        watched = watch(project, month)
        decided = retrain(project, month)
        told.append({"month": month, "champion": version, "watched": watched, **decided})
        print(json.dumps({key: told[-1][key] for key in ("month", "champion", "why")}), flush=True)
    label(project, flights, arguments.last)
    print(tables(project, flights, told))


def start(project: Path, flights: pd.DataFrame) -> None:
    """Make a project of the template, with these flights, and its first champion."""
    copier = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", "--vcs-ref", "HEAD"]
    run(*copier, ROOT, project, cwd=ROOT)
    flights.to_parquet(project / "data" / "flights.parquet", index=False)
    lock = sorted(f"{each.metadata['Name']}=={each.version}" for each in distributions())
    (project / "requirements.txt").write_text("\n".join(lock) + "\n", encoding="utf-8")
    run("git", "init", "--quiet", cwd=project)
    run("git", "add", "--all", cwd=project)
    identity = ["-c", "user.name=year", "-c", "user.email=year@localhost"]
    run("git", *identity, "commit", "--quiet", "-m", "Start from the template", cwd=project)
    settings = [setting for setting in RETRAIN if setting.startswith(("tracking", "evaluation"))]
    mlkit("train", *settings, cwd=project)
    mlkit("register", "--uri", URI, cwd=project)
    mlkit("promote", f"{NAME}/1", "--uri", URI, cwd=project)


def champion(project: Path) -> str:
    """Return the version that is the champion."""
    said = mlkit("models", NAME, "--uri", URI, cwd=project)
    return next(line.split()[0] for line in said.splitlines() if "@champion" in line)


def serve(project: Path, flights: pd.DataFrame, month: int) -> None:
    """Predict flights over HTTP, by the champion; request MONTH-N holds those from N on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlkit", "serve", f"{NAME}@champion", "--port", str(port)]
    command += ["--uri", URI]
    with (project / "service.log").open("ab") as log:
        service = subprocess.Popen(command, cwd=project, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        while not is_ready(address):
            if service.poll() is not None:
                raise SystemExit(f"The service ended: {project / 'service.log'}")
            time.sleep(0.2)
        known = flights.drop(columns=["dep_delay", "arr_delay", "air_time"])
        for first in range(0, len(known), AT_ONCE):
            body = known.iloc[first : first + AT_ONCE].to_json(orient="records", date_format="iso")
            headers = {"Content-Type": "application/json", "X-Request-ID": f"{month}-{first}"}
            urlopen(Request(f"{address}/predict", body.encode(), headers)).read()  # noqa: S310
    finally:
        service.terminate()
        service.wait()


def is_ready(address: str) -> bool:
    """Whether the service answers."""
    try:
        return urlopen(f"{address}/v2/health/ready").status == 200  # noqa: S310
    except (URLError, OSError):
        return False


def label(project: Path, flights: pd.DataFrame, month: int) -> None:
    """Hand in how late the flights of a month were, by the requests that asked for them."""
    own = flights.loc[flights[TIME].dt.month == month, ["arr_delay"]].reset_index(drop=True)
    first = own.index // AT_ONCE * AT_ONCE
    answers = own.assign(id=[f"{month}-{n}" for n in first], row=own.index - first)
    # What git does not ignore would be a change that no commit has.
    answers.to_parquet(project / "reports" / "answers.parquet", index=False)
    mlkit("labels", "reports/answers.parquet", cwd=project)


def watch(project: Path, month: int) -> dict:
    """Return what mlkit monitor finds of a month, when it is over."""
    span = ("--since", start_of(month - 1), "--until", start_of(month + 1))
    mlkit(
        *("monitor", f"{NAME}@champion", *span, "--uri", URI, *WATCH),
        cwd=project,
        codes=(0, 8, 9),
    )
    found = json.loads((project / "reports" / f"{NAME}.monitoring.json").read_bytes())
    return found["windows"][-1]


def retrain(project: Path, month: int) -> dict:
    """Let mlkit retrain decide at the end of a month, and return what it did and why."""
    before = champion(project)
    said = mlkit("retrain", "--until", start_of(month + 1), *RETRAIN, cwd=project, codes=(0, 1))
    after = champion(project)
    reasons = [line.removeprefix("- ") for line in said.splitlines() if line.startswith("- ")]
    return {"why": reasons, "after": after, "promoted": after != before}


def start_of(month: int) -> str:
    """Return the first day of a month of the year, or of the next one."""
    return f"2013-{month:02}-01" if month <= 12 else "2014-01-01"


def tables(project: Path, flights: pd.DataFrame, told: list[dict]) -> str:
    """Return what was seen and done month by month, and what it was worth."""
    log = read_log(project / "predictions").sort_values(["time", "row"], kind="stable")
    frozen = Predictor.load(cached(project, f"{NAME}/1"))
    roc_auc, log_loss = (METRICS["binary"][name] for name in ("roc_auc", "log_loss"))
    seen, worth = [], []
    gaps = {"estimate": [], "expected": []}
    for each in told:
        month, window = each["month"], each["watched"]
        own = flights[flights[TIME].dt.month == month].reset_index(drop=True)
        mine = log[log["id"].str.startswith(f"{month}-")]
        place = mine["id"].str.partition("-")[2].astype(int) + mine["row"]
        scores = mine.set_index(place)["probability"].sort_index().to_numpy()
        is_known = own["arr_delay"].notna().to_numpy()
        late = (own["arr_delay"] >= LATE).to_numpy().astype("int64")[is_known]
        first = frozen.predict(own).probability[is_known]
        ours = scores[is_known]
        quality = {q["metric"]: q for q in window["quality"] if not q["slice"]}["roc_auc"]
        worst = max(window["drifts"], key=lambda drift: drift["psi"] or 0)
        true = roc_auc.of(late, ours)
        for name, found in gaps.items():
            found.append(abs(quality[name] - true))
        seen.append(
            (
                f"2013-{month:02}",
                f"{len(own):,}",
                f"{worst['name']} {worst['psi']:.2f}",
                f"{window['separation']['auc']:.2f}",
                f"{window['predictions'][0]['psi']:.2f}",
                f"{quality['expected']:.3f}",
                f"{quality['estimate']:.3f}",
                f"{true:.3f}",
                f"{'new champion: ' if each['promoted'] else ''}{each['after']}",
            )
        )
        worth.append(
            (
                f"2013-{month:02}",
                each["champion"],
                f"{roc_auc.of(late, first):.4f}",
                f"{true:.4f}",
                f"{true - roc_auc.of(late, first):+.4f}",
                f"{log_loss.of(late, first):.4f}",
                f"{log_loss.of(late, ours):.4f}",
            )
        )
    head = ("month", "flights", "worst PSI", "AUC apart", "PSI of scores", "expected", "estimate")
    mean = {name: sum(found) / len(found) for name, found in gaps.items()}
    return "\n\n".join(
        (
            "",
            Table(head=(*head, "true", "then"), rows=tuple(seen)).markdown(),
            f"Mean absolute error of the estimated ROC AUC: {mean['estimate']:.4f}; of taking what "
            f"was expected: {mean['expected']:.4f}.",
            Table(
                head=(
                    "month",
                    "champion",
                    "AUC frozen",
                    "champion's",
                    "gain",
                    "loss",
                    "champion's",
                ),
                rows=tuple(worth),
                n_texts=2,
            ).markdown(),
        )
    )


def cached(project: Path, reference: str) -> Path:
    """Return a folder with the bundle of a version."""
    folder = project / "served" / reference.replace("/", "-")
    if not folder.exists():
        mlkit("pull", reference, folder, "--uri", URI, cwd=project)
    return folder


def mlkit(*arguments: object, cwd: Path, codes: tuple[int, ...] = (0,)) -> str:
    """Run a command of mlkit, and return what it printed."""
    return run(sys.executable, "-m", "mlkit", *arguments, cwd=cwd, codes=codes)


def run(*command: object, cwd: Path, codes: tuple[int, ...] = (0,)) -> str:
    """Run a command, and end with it if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in codes:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
