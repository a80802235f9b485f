"""A trace stops at what does not compile, says where and what instead, and leaves pandas be."""

import importlib
import json
from datetime import datetime
from functools import cache

import numpy as np
import pandas as pd
import pytest
from features_of_tests import is_long, share_of
from graphs_of_tests import by_graph, featurizer, graph_of
from hypothesis import given
from hypothesis import strategies as st

from mlkit import Featurizer, Schema, column
from mlkit.core.rows import read_table
from mlkit.training.compilation.compiler import compile_features
from mlkit.training.compilation.errors import Untraceable


class Trip(Schema):
    """A trip."""

    distance: float
    delay: float | None
    stops: int
    is_late: bool
    is_full: bool | None
    carrier: str
    origin: str | None
    departure: datetime
    arrival: datetime | None
    seen: datetime = column(tz="Europe/Berlin")


TRIPS = pd.DataFrame(
    {
        "distance": [120.0, 80.0, 3000.5],
        "delay": [np.nan, -3.0, 12.0],
        "stops": [0, 1, 2],
        "is_late": [False, True, True],
        "is_full": pd.array([True, None, False], dtype="boolean"),
        "carrier": ["AA", "UA", "B6"],
        "origin": ["JFK", None, "LGA"],
        "departure": pd.to_datetime(["2024-01-01T10:00", "2024-06-30T23:59", "1969-07-20T00:00"]),
        "arrival": pd.to_datetime(["2024-01-01T12:30", None, "1969-07-21T00:00"]),
        "seen": pd.to_datetime(["2024-01-01T00:00Z", "2024-07-01T00:00Z", "2024-10-27T00:30Z"]),
    }
)


def column_of(code: str):
    """Return a transform with one feature, by its source."""

    def transform(self, frame):
        return pd.DataFrame({"feature": eval(code)}, index=frame.index)  # noqa: S307

    return transform


@pytest.mark.parametrize(
    ("code", "operation", "advice"),
    [
        ('[x for x in frame["distance"]]', "a loop over the values", "whole columns"),
        ('frame["distance"].apply(abs)', ".apply of a column", "whole columns"),
        ("frame.apply(sum, axis=1)", ".apply of a frame", "whole columns"),
        ("[row for row in frame.itertuples()]", ".itertuples of a frame", "whole columns"),
        ('frame.groupby("carrier")["delay"].mean()', ".groupby of a frame", "learn"),
        ('frame["delay"].mean()', ".mean of a column", "learn"),
        ('np.mean(frame["delay"])', "np.mean", "learn"),
        ('frame["delay"].shift()', ".shift of a column", "learn"),
        ("frame.iloc[0]", ".iloc of a frame", "learn"),
        ("frame.iloc[:, 0:2]", ".iloc of a frame", "names"),
        ("frame.sum()", ".sum of a frame", "learn"),
        ('frame[["stops", "carrier"]].sum(axis=1)', ".sum(axis=1) of int64, str", ".astype"),
        ('frame[["stops", "delay"]].sum(axis=1)', ".sum(axis=1) of float64, int64", ".astype"),
        ('frame[["stops"]].any(axis=1)', ".any(axis=1) of int64", "booleans"),
        ('frame[["stops"]].sum(axis=1, min_count=1)', ".sum(min_count=…)", "Leave"),
        (
            "pd.concat(dict.fromkeys('12345678', frame['delay']), axis=1).mean(axis=1)",
            ".mean(axis=1) of more than 7 columns",
            "+",
        ),
        (r'frame["carrier"] == "a\0"', "ends in NUL", "Take it off"),
        (r'frame["carrier"].map({"a\0": 1})', "ends in NUL", "Take it off"),
        (r'frame["stops"].map({1: "a\0"})', "ends in NUL", "Take it off"),
        (r'frame["carrier"].isin(["a\0", "b"])', "ends in NUL", "Take it off"),
        (r'frame["carrier"].str.replace("A", "\0")', "ends in NUL", "Take it off"),
        (
            'np.where(frame["is_late"], frame["departure"], frame["seen"])',
            "datetime and datetime in Europe/Berlin",
            "one kind",
        ),
        ('frame["carrier"].str.count("A")', ".count of text", ".str.len"),
        ('str(frame["origin"])', "the text of a column", "leave out"),
        ('f"{frame}"', "the text of a frame", "leave out"),
        ("np.maximum.reduce([frame['stops'], frame['delay']])", "plain array", "np.maximum(a, b)"),
        ('frame["delay"].fillna(0, inplace=True)', ".fillna(inplace=…)", "assign the result"),
        ('frame.merge(frame, on="carrier")', ".merge of a frame", ".map(dict)"),
        ("len(frame)", "len of a frame", "its own row"),
        ('len(frame["stops"])', "len of a column", "its own row"),
        ('1 if frame["is_late"] else 0', "a condition on a column", "np.where"),
        ('1 if frame["is_late"].any() else 0', ".any of a column", "learn"),
        ('max(frame["distance"], frame["delay"])', "a condition on a column", "np.where"),
        ('np.array(frame["stops"])', "a column as a plain array", "numpy's functions"),
        ('np.asarray(frame["stops"])', "a column as a plain array", "numpy's functions"),
        ('frame[frame["is_late"]]["stops"]', "choosing rows", ".where"),
        ('frame["stops"][frame["is_late"]]', "choosing rows", ".where"),
        ('frame.loc[frame["is_late"], "stops"]', "choosing rows", ".where"),
        ('frame["carrier"].str.contains("A|B")', ".str.contains('A|B')", "regex=False"),
        ('frame["carrier"].str.contains("a", case=False)', "ignores case", ".str.lower()"),
        ('frame["carrier"].str.replace("A", "", regex=True)', "of a pattern", "regex=False"),
        ('frame["carrier"].str.split("A")', ".split of text", "documentation"),
        ('frame["carrier"].map(len)', "map of a builtin", "Map a dict"),
        ('frame["stops"].map(lambda x: x)', "map of a function", "Map a dict"),
        ('frame["carrier"].map({"AA": 1, "UA": "x"})', "several kinds", "numbers only"),
        ('frame["is_late"].map({1: 2})', "keys of another kind", "True and False"),
        ('frame["delay"].astype(int)', "may be missing", "Fill them first"),
        ('frame["is_full"].astype(bool)', "may be missing", "Fill them first"),
        ('frame["stops"].astype(str)', "astype(str) of int64", "int, float or bool"),
        ('np.where(frame["is_full"], 1, 0)', "may be missing", ".fillna(False)"),
        ('np.where(frame["stops"], 1, 0)', "a condition of dtype int64", "Compare first"),
        ('np.where(frame["is_late"], frame["carrier"], 0)', "a choice between", "one kind"),
        ('np.where(frame["is_late"], 1, 2) // frame["stops"].to_numpy()', "arrays", "Series"),
        ('np.log(frame["is_late"])', "np.log of bool", "Cast to float"),
        ('np.exp(frame["delay"].astype("float32"))', "np.exp of float32", "Cast to float"),
        ('np.digitize(frame["delay"], [0])', "np.digitize", "documentation"),
        ('frame["stops"] ** frame["stops"]', "a power of whole numbers", "Cast to float"),
        ('frame["carrier"] > "B"', "> with str", "number"),
        ('frame["departure"].dt.strftime("%Y")', ".dt.strftime", "day_of_week"),
        ('frame["departure"].dt.floor("MS")', "floor to 'MS'", "15min"),
        ('frame["seen"].dt.floor("D")', "rounding in the zone Europe/Berlin", "tz_localize"),
        ('frame["departure"] - frame["seen"]', "a time zone beside none", "neither"),
        ('frame["departure"] + pd.DateOffset(months=1)', "the constant", "pd.Timedelta(days=30)"),
        ('pd.to_datetime(frame["carrier"])', "pd.to_datetime of text", "schema"),
        ('pd.to_numeric(frame["carrier"])', "pd.to_numeric of text", "schema"),
        ('pd.cut(frame["delay"], 3, labels=False)', "a number of bins", "edges"),
        ('pd.cut(frame["delay"], [0, 1])', "pd.cut without labels", "labels=False"),
        ("pd.concat([frame, frame])", "pd.concat of rows", "axis=1"),
        ('frame.drop(columns="stops", inplace=True)', ".drop(inplace=…)", "Leave"),
        ('frame["delay"].replace("1", "2", regex=True)', ".replace(regex=…)", "Leave"),
        ('frame["delay"].add(frame["stops"], fill_value=0)', ".add(fill_value=…)", "Leave"),
        ("frame.reset_index(drop=True)", ".reset_index of a frame", "documentation"),
        ('frame["distances"]', "the column 'distances'", "Did you mean distance?"),
        ("frame.tempp", "the column 'tempp'", "Valid: "),
        ('float(frame["distance"])', "TypeError", "stand-ins"),
    ],
)
def test_stops_at_what_does_not_compile(code, operation, advice):
    """The message names the file, the line, the operation and what to write instead."""
    with pytest.raises(Untraceable) as caught:
        compile_features(featurizer(column_of(code)), Trip)
    message = str(caught.value)
    assert message.startswith("test_tracing.py:"), message
    assert 'pd.DataFrame({"feature": eval(code)}' in caught.value.line
    assert operation in caught.value.operation
    assert advice in caught.value.advice


def test_stops_at_rows_that_are_assigned():
    """What would change some rows names the line that does."""

    def transform(self, frame):
        frame = frame.copy()
        frame.loc[frame["is_late"], "delay"] = 0.0
        return frame

    with pytest.raises(Untraceable, match="assigning to rows") as caught:
        compile_features(featurizer(transform), Trip)
    assert caught.value.line.endswith('`frame.loc[frame["is_late"], "delay"] = 0.0`')


def test_stops_in_a_helper_of_another_module():
    """The line is the helper's, where the helper is what does not compile."""

    def transform(self, frame):
        return pd.DataFrame({"share": share_of(frame["distance"])})

    with pytest.raises(Untraceable, match=r"\.sum of a column") as caught:
        compile_features(featurizer(transform), Trip)
    assert caught.value.line == "features_of_tests.py:13 `return values / values.sum()`"


def test_an_assigned_attribute_is_the_column():
    """Where pandas would set a column; where it would not, the trace stops."""

    def transform(self, frame):
        frame = frame[["distance", "stops"]].copy()
        frame.stops = frame.distance * 2
        return frame

    found = by_graph(featurizer(transform), Trip, TRIPS)
    assert found["stops"] == [240.0, 160.0, 6001.0]


@pytest.mark.parametrize("name", ["speed", "count"])
def test_stops_at_an_attribute_that_is_no_column(name):
    """It is kept beside the frame in pandas, even where a column has the name of a method."""

    def transform(self, frame):
        frame = frame.assign(count=frame["stops"])
        setattr(frame, name, frame["distance"])
        return frame

    with pytest.raises(Untraceable, match=rf'write frame\["{name}"\] = …'):
        compile_features(featurizer(transform), Trip)


def test_a_column_that_is_not_there_is_as_in_pandas():
    """Code that asks first, or catches the error, takes the same way as with data."""

    def transform(self, frame):
        assert not hasattr(frame, "speed")
        with pytest.raises(KeyError):
            frame["speed"]
        return frame[["stops"]]

    assert by_graph(featurizer(transform), Trip, TRIPS) == {"stops": [0.0, 1.0, 2.0]}


def test_features_have_names_of_text():
    """Numbers as names are told so."""
    made = featurizer(lambda self, frame: pd.DataFrame({0: frame["stops"]}))
    with pytest.raises(Untraceable, match=r"no text \(0\) .* \.rename\(columns=str\)"):
        compile_features(made, Trip)


ROW = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))


class Row(Schema):
    """Three numbers."""

    a: float | None
    b: float | None
    c: float | None


def across(name: str):
    """Return a transform that makes one number of each row's."""
    return lambda self, frame: pd.DataFrame({"feature": getattr(frame, name)(axis=1)})


@cache
def graph_across(name: str):
    """Return the same as a graph."""
    return graph_of(featurizer(across(name)), Row)


@pytest.mark.parametrize("name", ["sum", "mean", "min", "max"])
@given(rows=st.lists(st.tuples(ROW, ROW, ROW), min_size=1, max_size=9))
def test_what_a_row_s_numbers_make_is_pandas_own(name, rows):
    """To the last bit, with missing values left out, and of a row alone as of many."""
    frame = pd.DataFrame(rows, columns=["a", "b", "c"], dtype="float64")
    with np.errstate(all="ignore"):
        expected = across(name)(None, frame)["feature"]
    features = graph_across(name)
    for found in (frame, frame[:1]):
        made = features(read_table(Row, found))["feature"]
        np.testing.assert_array_equal(made, expected[: len(found)])


@pytest.mark.parametrize(
    "make",
    [
        lambda f: f[["distance", "stops"]].astype(float).sum(axis=1),
        lambda f: f[["distance", "delay"]].mean(axis="columns"),
        lambda f: f[["distance", "delay"]].min(axis=1),
        lambda f: f[["stops", "stops"]].max(axis=1),
        lambda f: f[["stops"]].assign(hour=f["departure"].dt.hour).sum(axis=1),
        lambda f: f.isna().sum(axis=1),
        lambda f: f[["delay", "origin"]].notnull().mean(axis=1),
        lambda f: f[["delay", "origin"]].isnull().any(axis=1),
        lambda f: f[["delay", "origin"]].notna().all(axis=1),
    ],
)
def test_what_a_row_s_values_make_is_pandas_own(make):
    """Of whole numbers, of both, and of booleans."""
    found = by_graph(featurizer(lambda self, f: pd.DataFrame({"feature": make(f)})), Trip, TRIPS)
    assert found["feature"] == make(Trip.validate(TRIPS)).astype(float).tolist()


def test_pandas_own_objects_still_work_in_a_trace():
    """Constants that are frames and Series are made, read and looked up as ever."""

    class Features(Featurizer):
        def fit(self, frame, target=None):
            self.means_ = frame.groupby("carrier")["distance"].mean()
            self.bounds_ = pd.DataFrame({"low": [0.0], "high": [100.0]})
            return self

        def transform(self, frame):
            table = pd.DataFrame({"carrier": ["AA", "UA"], "rank": [1.0, 2.0]})
            ranks = pd.concat([table, table.assign(rank=7.0)]).groupby("carrier")["rank"].max()
            assert isinstance(ranks, pd.Series)
            assert not isinstance(ranks, pd.DataFrame)
            return pd.DataFrame(
                {
                    "mean": frame["carrier"].map(self.means_),
                    "rank": frame["carrier"].map(ranks.to_dict()),
                    "near": frame["distance"].clip(*self.bounds_.iloc[0]),
                    "known": frame["carrier"].isin(pd.Series(["AA"])),
                    "year": frame["departure"].dt.year - pd.to_datetime("2000-01-01").year,
                }
            )

    made = Features().fit(TRIPS)
    found = by_graph(made, Trip, TRIPS)
    expected = made.transform(Trip.validate(TRIPS))
    assert found["mean"] == expected["mean"].tolist() == [120.0, 80.0, 3000.5]
    assert found["rank"] == pytest.approx([7.0, 7.0, np.nan], nan_ok=True)
    assert found["near"] == [100.0, 80.0, 100.0]
    assert found["known"] == [1.0, 0.0, 0.0]
    assert found["year"] == [24.0, 24.0, -31.0]


def test_a_stand_in_is_a_frame_or_a_series_to_isinstance(capsys):
    """Checks of types and what prints names go on as with data."""

    def transform(self, frame):
        assert isinstance(frame, pd.DataFrame)
        assert isinstance(frame["stops"], pd.Series)
        assert not isinstance(frame["stops"], pd.DataFrame)
        print(f"columns: {json.dumps(list(frame.columns))}")  # noqa: T201
        return pd.DataFrame({name: frame[name] for name in frame.columns if name == "stops"})

    assert by_graph(featurizer(transform), Trip, TRIPS) == {"stops": [0.0, 1.0, 2.0]}
    assert '"distance", "delay", "stops"' in capsys.readouterr().out


def test_helpers_and_inheritance_compile():
    """Functions of other modules, methods, and super().transform are followed."""

    class Base(Featurizer):
        def transform(self, frame):
            return pd.DataFrame({"is_long": is_long(frame["distance"], self.limit())})

        def limit(self):
            return 100

    class Derived(Base):
        def transform(self, frame):
            return super().transform(frame).assign(late=frame["is_late"].astype(int))

        def limit(self):
            return 1000

    assert by_graph(Base(), Trip, TRIPS) == {"is_long": [1.0, 0.0, 1.0]}
    assert by_graph(Derived(), Trip, TRIPS) == {"is_long": [0.0, 0.0, 1.0], "late": [0.0, 1.0, 1.0]}


def test_what_is_no_frame_stops():
    """A transform that returns anything else is told so."""

    def transform(self, frame):
        return frame["stops"]

    with pytest.raises(Untraceable, match=r"a column from Features\.transform"):
        compile_features(featurizer(transform), Trip)


def test_a_team_s_package_is_not_a_library(tmp_path, monkeypatch):
    """The line is told of code that is installed beside libraries."""
    installed = tmp_path / "site-packages"
    installed.mkdir()
    (installed / "team_of_test.py").write_text("def total(values):\n    return values.sum()\n")
    monkeypatch.syspath_prepend(installed)
    total = importlib.import_module("team_of_test").total

    with pytest.raises(Untraceable) as caught:
        compile_features(
            featurizer(lambda self, frame: frame.assign(x=total(frame["stops"]))), Trip
        )
    assert caught.value.line == "team_of_test.py:2 `return values.sum()`"


def test_what_no_line_asked_for_names_the_step():
    """Not the line that called mlkit."""
    with pytest.raises(Untraceable) as caught:
        compile_features(featurizer(lambda self, frame: 1), Trip)
    assert caught.value.line == "the pipeline's featurizer"
