"""Where the client finds the service."""

from pathlib import Path

import pytest

from babelmill.client.endpoint import Endpoint, Surroundings, bearer, parse_env
from babelmill.client.errors import NotConfigured


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".babelmill").mkdir()
    (tmp_path / ".babelmill" / "env").write_text(
        "# written by the stack\nBABELMILL_GRPC=127.0.0.1:7001\nBABELMILL_TOKEN='file token'\n"
    )
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    return deep


def test_the_file_above_is_used_when_the_environment_is_empty(project: Path) -> None:
    found = Surroundings({}, project).endpoint()
    assert found == Endpoint("127.0.0.1:7001", "file token")


def test_the_environment_wins_when_both_are_set(project: Path) -> None:
    environment = {"BABELMILL_GRPC": "h:1", "BABELMILL_TOKEN": "t"}
    assert Surroundings(environment, project).endpoint() == Endpoint("h:1", "t")


def test_arguments_win_when_given(project: Path) -> None:
    environment = {"BABELMILL_GRPC": "h:1", "BABELMILL_TOKEN": "t"}
    assert Surroundings(environment, project).endpoint("x:2", "u") == Endpoint("x:2", "u")


def test_the_files_token_stays_home_when_the_address_is_another(project: Path) -> None:
    assert Surroundings({"BABELMILL_GRPC": "elsewhere:1"}, project).endpoint().token == ""
    assert Surroundings({}, project).endpoint("elsewhere:1").token == ""


def test_no_address_is_an_error_when_nothing_names_one(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="BABELMILL_GRPC"):
        Surroundings({}, tmp_path).endpoint()


def test_lines_are_read_when_they_are_settings() -> None:
    text = 'export A=1\n B = two words \nno line\n=3\n#C=4\nD="q=r"\nE=\n'
    assert parse_env(text) == {"A": "1", "B": "two words", "D": "q=r", "E": ""}


def test_the_token_is_not_shown_when_an_endpoint_is_printed() -> None:
    assert "secret" not in repr(Endpoint("h:1", "secret"))


def test_no_header_is_sent_when_there_is_no_token() -> None:
    assert bearer("") == ()
    assert bearer("t") == (("authorization", "Bearer t"),)
