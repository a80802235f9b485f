"""Marked tests are found without being run, and run as they are."""

import pytest

from mlkit.core.errors import DataError
from mlkit.doctor.tests import MarkedTest, marked_tests, run_tests

TESTS = """
import pytest
pytestmark = pytest.mark.filterwarnings("error")

@pytest.mark.ml_test("data-1", "data-2")
def test_passes(): pass

@pytest.mark.ml_test("data-3")
@pytest.mark.parametrize("n", [0, 1])
def test_half(n): assert n

@pytest.mark.ml_test("data-4")
def test_skips(): pytest.skip("not today")

@pytest.fixture
def broken(): raise ValueError

@pytest.mark.ml_test("data-5")
def test_has_no_fixture(broken): pass

@pytest.mark.ml_test("infra-1")
class TestOfClass:
    def test_inside(self): pass

def test_unmarked(): raise ValueError

@pytest.mark.ml_test("data-6")
def no_test(): pass
"""


@pytest.fixture
def folder(tmp_path):
    """Return a project with tests of every fate."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\nmarkers = ["ml_test"]\naddopts = "--strict-markers"\n'
    )
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(TESTS)
    (tmp_path / "tests" / "test_none.py").write_text("def f(:")
    return tmp_path


def test_markers_are_read_from_the_source(folder):
    """Those of a class hold for its tests; what is no Python, or no test, has none."""
    it = "tests/test_it.py::"
    assert marked_tests(folder) == [
        MarkedTest(id=f"{it}test_passes", names=("data-1", "data-2")),
        MarkedTest(id=f"{it}test_half", names=("data-3",)),
        MarkedTest(id=f"{it}test_skips", names=("data-4",)),
        MarkedTest(id=f"{it}test_has_no_fixture", names=("data-5",)),
        MarkedTest(id=f"{it}TestOfClass::test_inside", names=("infra-1",)),
    ]


def test_what_became_of_each_is_told(folder):
    """The worst of its parameters counts; what is not marked does not run."""
    (folder / "tests" / "test_none.py").unlink()
    it = "tests/test_it.py::"
    assert run_tests(folder) == {
        f"{it}test_passes": "passed",
        f"{it}test_half": "failed",
        f"{it}test_skips": "skipped",
        f"{it}test_has_no_fixture": "failed",
        f"{it}TestOfClass::test_inside": "passed",
    }


def test_tests_that_cannot_run_are_no_score(folder):
    """A file that is no Python stops pytest, which is said."""
    with pytest.raises(DataError, match=r"pytest does not run the tests of .* \(exit code 2\)"):
        run_tests(folder)


def test_a_project_without_marked_tests_has_no_outcomes(folder):
    """That none ran is no error: there are none to earn a point with."""
    for file in (folder / "tests").iterdir():
        file.write_text("def test_unmarked(): pass")
    assert run_tests(folder) == {}


def test_tests_are_named_from_the_projects_folder(folder):
    """Also where settings of pytest lie above it."""
    (folder / "tests" / "test_none.py").unlink()
    (folder / "pyproject.toml").unlink()
    (folder.parent / "pytest.ini").write_text("[pytest]\nmarkers = ml_test")
    try:
        assert set(run_tests(folder)) == {test.id for test in marked_tests(folder)}
    finally:
        (folder.parent / "pytest.ini").unlink()
