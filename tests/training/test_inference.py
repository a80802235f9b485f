"""A first schema is guessed from data, and written as Python that declares it."""

import types
from datetime import date

import numpy as np
import pandas as pd
import pytest

from mlkit import Schema, read_frame
from mlkit.core.errors import DataError
from mlkit.training.inference import source

FRAME = pd.DataFrame(
    {
        "row_id": ["r1", "r2", "r3"],
        "email": ["a@x", "b@x", "c@x"],
        "sepal length (cm)": [5.1, np.nan, 4.7],
        "class": ["yes", "no", "yes"],
        "n": [1, 2, 3],
        "2nd": [True, False, True],
        "seen": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"]),
        "columns": ["a", None, "b"],
        "zoned": pd.to_datetime(["2024-01-01T00:00Z", None, None]),
        "empty": [None, None, None],
    }
)


def declared(text: str) -> type[Schema]:
    """Return the schema that a module's text declares."""
    module = types.ModuleType("declared")
    exec(compile(text, "schema.py", "exec"), module.__dict__)  # noqa: S102
    return module.Record


def test_the_data_follow_the_inferred_schema():
    """What a schema was inferred from validates against it, values unchanged."""
    schema = Schema.infer(FRAME, target="class")
    validated = schema.validate(FRAME)
    assert validated["n"].tolist() == [1, 2, 3]
    assert validated["class"].tolist() == ["yes", "no", "yes"]


def test_guesses_types_roles_and_personal_data():
    """One column of times is the event time, a unique id a key, an e-mail personal."""
    columns = Schema.infer(FRAME, target="class").columns
    roles = {name: c.role for name, c in columns.items() if c.role != "feature"}
    assert roles == {"row_id": "key", "class": "target", "seen": "event_time"}
    assert [name for name, c in columns.items() if c.pii] == ["email"]
    assert columns["class"].allowed == ("no", "yes")
    assert columns["zoned"].tz == "UTC"
    assert {name for name, c in columns.items() if c.nullable} == {
        "sepal length (cm)",
        "columns",
        "zoned",
        "empty",
    }


def test_categories_dates_and_written_indexes_are_understood():
    """A category is its values, a date a datetime, and `Unnamed: 0` a key."""
    frame = pd.DataFrame(
        {
            "Unnamed: 0": [0, 1],
            "kind": pd.Categorical(["a", None]),
            "day": [date(2024, 1, 1), date(2024, 1, 2)],
        }
    )
    columns = Schema.infer(frame).columns
    assert {name: c.kind for name, c in columns.items()} == {
        "Unnamed: 0": "integer",
        "kind": "string",
        "day": "datetime",
    }
    assert columns["Unnamed: 0"].role == "key"


def test_the_written_module_declares_the_same_schema():
    """The text runs, and declares what was inferred, odd names included."""
    schema = Schema.infer(FRAME, target="class")
    assert declared(source(schema, "Inferred.")).columns == schema.columns


def test_odd_names_and_labels_are_quoted():
    """Quotes, backslashes and line ends in names and labels survive the writing."""
    frame = pd.DataFrame(
        {'a "b"\\': [1, 2], "line\nend": [1, 2], "class": ['x"\\', "y\n"], "π r²": 1.5}
    )
    schema = Schema.infer(frame, target="class")
    assert declared(source(schema, "Inferred.")).columns == schema.columns


@pytest.mark.parametrize(
    ("frame", "target", "message"),
    [
        (FRAME.iloc[:0], None, "without rows"),
        (FRAME, "clas", "Did you mean class"),
        (pd.DataFrame({"tags": [["a"], ["b"]]}), None, "Column tags holds"),
        (pd.DataFrame({"took": pd.to_timedelta([1, 2])}), None, "Column took holds timedelta"),
        (pd.DataFrame({"mix": ["a", 1]}), None, "Column mix holds mixed"),
        (pd.DataFrame({"x": [1.0, np.inf]}), None, "x: is not finite"),
        (pd.DataFrame({0: [1.0]}), None, "named by text"),
    ],
)
def test_refuses_what_no_schema_can_hold(frame, target, message):
    """The column, and what it holds, are named."""
    with pytest.raises(DataError, match=message):
        Schema.infer(frame, target=target)


def test_times_in_a_csv_are_recognised(tmp_path):
    """ISO times in text become datetimes; other text stays text."""
    FRAME.drop(columns=["zoned", "empty"]).to_csv(tmp_path / "rows.csv", index=False)
    columns = Schema.infer(read_frame(tmp_path / "rows.csv")).columns
    assert (columns["seen"].kind, columns["email"].kind) == ("datetime", "string")


def test_codes_with_leading_zeros_are_guessed_as_text(tmp_path):
    """One such cell is enough, beside missing ones as well; zero and its fractions are numbers."""
    (tmp_path / "p.csv").write_text(
        "self,zip,dial,share,n\nx,01099,007,0.5,0\ny,90210,,0.25,10\nz,10115,49,0,2\n"
    )
    frame = read_frame(tmp_path / "p.csv")
    columns = Schema.infer(frame).columns
    kinds = {name: column.kind for name, column in columns.items()}
    text = dict.fromkeys(("self", "zip", "dial"), "string")
    assert kinds == {**text, "share": "number", "n": "integer"}
    assert frame["zip"].tolist() == ["01099", "90210", "10115"]
    assert columns["dial"].nullable


def test_codes_with_leading_zeros_stay_text(tmp_path):
    """With a schema, a CSV's text is read as what the schema says it is."""

    class Place(Schema):
        zip: str
        n: int | None
        open: bool

    (tmp_path / "p.csv").write_text("zip,n,open\n01099,1,yes\n00501,,FALSE\n")
    frame = Place.validate(read_frame(tmp_path / "p.csv", Place))
    assert frame["zip"].tolist() == ["01099", "00501"]
    assert frame["open"].tolist() == [True, False]
    assert frame["n"].isna().tolist() == [False, True]


def test_numbers_of_a_csv_are_read_to_the_last_digit(tmp_path):
    """As Python reads them: what was written comes back."""

    class Share(Schema):
        share: float | None

    written = np.random.default_rng(0).normal(size=1_000) * 10.0 ** np.arange(-500, 500).clip(
        -300, 300
    )
    written[::10] = np.nan
    pd.DataFrame({"share": written}).to_csv(tmp_path / "shares.csv", index=False)
    found = Share.validate(read_frame(tmp_path / "shares.csv", Share))
    np.testing.assert_array_equal(found["share"], written)
