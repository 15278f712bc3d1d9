"""What the owner has set; the only module that reads the environment.

`DREAMKEEP_*` variables win over `settings.toml` in the home folder, which wins over the defaults; what an
owner allows agents to do is read from the file alone.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from dreamkeep_server.embedding.opening import check_setting
from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_store.errors import InvalidError
from dreamkeep_store.models import JudgeName, Policy

PREFIX = "DREAMKEEP_"
FILE_ONLY = ("policy_max", "agents_may_include_high_risk", "dream_when_due")
"""What an owner allows without being asked again: not from the environment, which an agent's shell sets too."""

Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


def _home_folder() -> Path:
    home = os.environ.get(PREFIX + "HOME")
    return Path(home).expanduser().absolute() if home else platformdirs.user_data_path("dreamkeep")


def _folders(value: object) -> object:
    """A variable lists folders as `PATH` does; a settings file has a list of its own."""
    return tuple(value.split(os.pathsep)) if isinstance(value, str) else value


class Settings(BaseSettings):
    """The owner's settings, read once and never changed."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,  # a client's configuration form leaves "" where nothing was filled in
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    home: Folder = Field(default_factory=_home_folder)
    """Where the database and `settings.toml` are; so that file cannot set it."""
    store: str | None = None
    """The store of every call that names none; None asks the folder."""
    policy_max: Policy = "review"
    """The most that a call may let a dream switch to by itself."""
    agents_may_include_high_risk: bool = False
    """Whether an agent may include changes of high risk without a person's yes."""
    dream_when_due: bool = False
    """Whether a dream starts by itself when one is due; it goes as far as `policy_max`, and `judge` may spend."""
    transcript_folders: Annotated[tuple[Folder, ...], NoDecode, BeforeValidator(_folders)] = (
        Path("~/.claude/projects").expanduser(),
    )
    """The folders from which `transcript_path` may read."""
    budget_usd: float | None = Field(default=None, gt=0)
    """The most that one dream may cost, in US dollars."""
    judge: Literal["auto"] | JudgeName = "auto"
    """Who judges a dream that names nobody."""

    embedder: Annotated[str, AfterValidator(check_setting)] = "minilm"
    """What makes the vectors of texts; `none` leaves recall to words."""
    embedder_key: SecretStr | None = None
    """The bearer token for an embeddings endpoint."""

    def meaning(self) -> Meaning:
        """What compares queries with texts, by the embedder that is set; it loads nothing yet."""
        return Meaning(self.embedder, key=None if self.embedder_key is None else self.embedder_key.get_secret_value())

    @property
    def database(self) -> Path:
        """The one file that holds every store."""
        return self.home / "dreamkeep.db"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read no `.env` and no secret folder: a project's files must not steer its owner's memory."""
        del dotenv_settings, file_secret_settings
        home = Path(init_settings().get("home") or _home_folder())
        path = _settings_file(home)
        file = TomlConfigSettingsSource(settings_cls, toml_file=path)
        if "home" in file():
            raise InvalidError(f"{path} sets 'home', but it is found by it; set {PREFIX}HOME instead.")
        return init_settings, env_settings, file


def has_claude_key() -> bool:
    """Whether the environment has what the Anthropic SDK needs to ask Claude; no consent to spend by itself."""
    return bool(os.environ.get("ANTHROPIC_API_KEY") or os.environ.get("ANTHROPIC_AUTH_TOKEN"))


def load_settings() -> Settings:
    """The settings of this process.

    Raises InvalidError, in one sentence that names the variable or the file, when one cannot be used.
    """
    unknown = sorted(name for name in _variables() if _field_of(name) not in Settings.model_fields)
    if unknown:
        known = ", ".join(PREFIX + field.upper() for field in Settings.model_fields if field not in FILE_ONLY)
        raise InvalidError(f"{unknown[0]} is no setting of dreamkeep; unset it. There are: {known}.")
    allowing = sorted(name for name in _variables() if _field_of(name) in FILE_ONLY)
    if allowing:
        file = _settings_file(_home_folder())
        raise InvalidError(f"{allowing[0]} cannot be set in the environment; put {_field_of(allowing[0])} in {file}.")
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidError(" ".join(_sentence(detail) for detail in error.errors())) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InvalidError(f"{_settings_file(_home_folder())} cannot be read: {error}.") from error


def _sentence(detail: ErrorDetails) -> str:
    """What is wrong with one setting, and where it was set."""
    field = str(detail["loc"][0])
    by_field = {_field_of(name): name for name in _variables()}
    file = _settings_file(_home_folder())
    if detail["type"] == "extra_forbidden":
        known = ", ".join(name for name in Settings.model_fields if name != "home")
        return f"{file} sets {field!r}, which is no setting; there are: {known}."
    where = by_field.get(field) or f"{field} in {file}"
    said = detail["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{where} cannot be used: {said[:1].lower()}{said[1:]}."


def _variables() -> list[str]:
    return [name for name, value in os.environ.items() if name.upper().startswith(PREFIX) and value]


def _field_of(variable: str) -> str:
    return variable[len(PREFIX) :].lower()


def _settings_file(home: Path) -> Path:
    return home.expanduser().absolute() / "settings.toml"
