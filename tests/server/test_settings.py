"""The owner's settings: where they come from, which wins, and what a bad one says."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from dreamkeep_server.settings import PREFIX, Settings, load_settings
from dreamkeep_store.errors import InvalidError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DREAMKEEP_HOME", str(tmp_path))
    return tmp_path


def test_defaults_hold_without_a_file_or_a_variable(home: Path) -> None:
    settings = load_settings()
    assert settings.database == home / "dreamkeep.db"
    assert settings.policy_max == "review"
    assert settings.agents_may_include_high_risk is False
    assert settings.dream_when_due is False
    assert settings.transcript_folders == (Path("~/.claude/projects").expanduser(),)
    assert settings.judge == "auto"


def test_home_is_the_platforms_own_place_when_nobody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DREAMKEEP_HOME")
    home = load_settings().home
    assert home.is_absolute()
    assert home.name == "dreamkeep"


def test_home_expands_a_tilde(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("DREAMKEEP_HOME", "~/memory")
    (home / "memory").mkdir()
    (home / "memory" / "settings.toml").write_text('store = "acme"\n')
    assert load_settings().home == home / "memory"
    assert load_settings().store == "acme"


def test_the_file_wins_over_the_defaults_and_a_variable_over_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "settings.toml").write_text('store = "acme"\nbudget_usd = 2.5\n')
    assert load_settings().store == "acme"
    monkeypatch.setenv("DREAMKEEP_STORE", "other")
    assert load_settings().store == "other"
    assert load_settings().budget_usd == 2.5


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DREAMKEEP_POLICY_MAX", "auto_medium"),
        ("DREAMKEEP_AGENTS_MAY_INCLUDE_HIGH_RISK", "true"),
        ("DREAMKEEP_DREAM_WHEN_DUE", "true"),
    ],
)
def test_what_agents_may_do_is_read_from_the_file_alone(
    variable: str, value: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "settings.toml").write_text('policy_max = "auto_low"\nagents_may_include_high_risk = true\n')
    assert load_settings().policy_max == "auto_low"
    assert load_settings().agents_may_include_high_risk
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidError, match=f"^{variable} cannot be set in the environment; put .* in .*settings.toml"):
        load_settings()


def test_folders_are_listed_as_in_path_or_as_a_list(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "settings.toml").write_text('transcript_folders = ["/a", "~/b"]\n')
    assert load_settings().transcript_folders == (Path("/a"), Path("~/b").expanduser())
    monkeypatch.setenv("DREAMKEEP_TRANSCRIPT_FOLDERS", os.pathsep.join(["/c", "/d"]))
    assert load_settings().transcript_folders == (Path("/c"), Path("/d"))


def test_an_empty_variable_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMKEEP_STORE", "")
    assert load_settings().store is None


def test_a_projects_env_file_is_not_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".env").write_text("DREAMKEEP_STORE=acme\n")
    monkeypatch.chdir(home)
    assert load_settings().store is None


def test_settings_do_not_change() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.policy_max = "auto_low"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DREAMKEEP_BUDGET_USD", "-1"),
        ("DREAMKEEP_BUDGET_USD", "much"),
        ("DREAMKEEP_JUDGE", "jury"),
    ],
)
def test_a_bad_variable_is_named(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidError, match=f"^{variable} cannot be used: "):
        load_settings()


def test_a_variable_that_is_no_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMKEEP_STROE", "acme")
    with pytest.raises(InvalidError, match=r"DREAMKEEP_STROE is no setting.*DREAMKEEP_STORE"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("policy_max = \n", "cannot be read"),
        ('policy_max = "everything"\n', "policy_max in .*settings.toml cannot be used"),
        ("polcy_max = 1\n", "sets 'polcy_max', which is no setting"),
        ('home = "/elsewhere"\n', "sets 'home', but it is found by it"),
        ("budget_usd = 0\n", "budget_usd in .*settings.toml cannot be used"),
    ],
)
def test_a_bad_file_is_named(home: Path, text: str, says: str) -> None:
    (home / "settings.toml").write_text(text)
    with pytest.raises(InvalidError, match=says) as caught:
        load_settings()
    assert str(home / "settings.toml") in str(caught.value)


def test_the_home_given_decides_which_file_is_read(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "settings.toml").write_text('store = "there"\n')
    assert Settings(home=other).store == "there"
