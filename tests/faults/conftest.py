"""Fixtures of the fault suite, and the table at its end.

`@pytest.mark.fault(n)` names the row that a test fills. `house` is a fresh
FaultHouse with its servers running, and `calm_house` one where no lease runs
out; `new_house` makes one with other
arguments; `row` collects the figures. `@pytest.mark.slow` keeps a test out of
`make test`; `make faults` runs all. All are `alone`.
"""

import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.house import FaultHouse
from tests.faults.premises import CALM
from tests.faults.servers import Template, make_template
from tests.faults.table import FaultRow, render, update_page
from tests.faults.workloads import ClipMaker

_ROWS: dict[int, FaultRow] = {}
_HOUSES = pytest.StashKey[list[FaultHouse]]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Recovery is measured, and the table at the end is one process's."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.alone)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-table", type=Path, help="the page whose fault table is renewed")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipMaker:
    return ClipMaker(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def new_house(
    template: Template, request: pytest.FixtureRequest
) -> Iterator[Callable[..., FaultHouse]]:
    """Makes houses; `servers=False` leaves starting the servers to the test."""
    houses: list[FaultHouse] = []
    request.node.stash[_HOUSES] = houses
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as directory:
        # Any: passed through to FaultHouse.
        def make(
            *, servers: bool = True, template: Template = template, **options: Any
        ) -> FaultHouse:
            home = Path(directory) / str(len(houses))
            home.mkdir()
            house = FaultHouse(home, template, **options)
            houses.append(house)
            if servers:
                house.start_servers()
            return house

        try:
            yield make
        finally:
            for house in houses:
                house.close()


@pytest.fixture
def house(new_house: Callable[..., FaultHouse]) -> FaultHouse:
    return new_house()


@pytest.fixture
def calm_house(new_house: Callable[..., FaultHouse]) -> FaultHouse:
    """A house whose leases do not run out by themselves during a test."""
    return new_house(pace=CALM)


@pytest.fixture
def row(request: pytest.FixtureRequest) -> FaultRow:
    """The row of the test's fault; several tests may fill one."""
    (number,) = request.node.get_closest_marker("fault").args
    return _ROWS.setdefault(number, FaultRow(number))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    mark = item.get_closest_marker("fault")
    if mark is not None and report.failed:
        (number,) = mark.args
        _ROWS.setdefault(number, FaultRow(number)).broken = True
        for house in item.stash.get(_HOUSES, []):
            for service in house.services:
                report.sections.append((f"last words of {service.name}", service.last_words()))
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if not _ROWS:
        return
    terminalreporter.section("faults")
    lines = render(_ROWS).splitlines()
    for line in lines[:2] + [text for text in lines[2:] if not text.endswith("not run yet |")]:
        terminalreporter.line(line)
    page = config.getoption("--fault-table", default=None)
    if page is not None:
        update_page(page, _ROWS)
        terminalreporter.line(f"written to {page}")
