"""Which store a folder means."""

from pathlib import Path

import pytest

from dreamkeep_server.project import normalised, store_of_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "work" / "acme" / "src").mkdir(parents=True)
    return tmp_path / "home" / "work" / "acme"


def set_remote(folder: Path, *remotes: tuple[str, str]) -> None:
    (folder / ".git").mkdir(exist_ok=True)
    sections = [f'[remote "{name}"]\n\turl = {url}\n\tfetch = +refs/heads/*' for name, url in remotes]
    (folder / ".git" / "config").write_text("[core]\n\tbare = false\n" + "\n".join(sections))


@pytest.mark.parametrize(
    "remote",
    [
        "git@github.com:Acme/App.git",
        "https://github.com/acme/app.git",
        "https://github.com/acme/app/",
        "https://ada:s3cret@github.com/acme/app",
        "ssh://git@github.com:22/acme/app.git",
        "ssh://git@github.com/acme/app",
        "git://github.com/acme/app.git",
        "github.com:acme/app",
    ],
)
def test_every_spelling_of_a_remote_is_one_project_and_no_secret_gets_into_its_name(remote: str):
    assert normalised(remote) == "github.com/acme/app"


@pytest.mark.parametrize("remote", ["/srv/git/app.git", "../app", "file:///srv/app", "C:\\git\\app", "~/app", ""])
def test_a_remote_on_this_machine_names_no_project(remote: str):
    assert normalised(remote) is None


def test_a_folder_below_a_repository_belongs_to_its_origin(folder: Path):
    set_remote(folder, ("backup", "git@example.com:b/b.git"), ("origin", "git@example.com:acme/app.git"))
    assert store_of_folder(folder / "src") == "project/example.com/acme/app"
    assert store_of_folder(folder) == "project/example.com/acme/app"


def test_a_worktree_belongs_to_the_same_project(folder: Path):
    set_remote(folder, ("origin", "git@example.com:acme/app.git"))
    tree = folder.parent / "tree"
    tree.mkdir()
    inner = folder / ".git" / "worktrees" / "tree"
    inner.mkdir(parents=True)
    (inner / "commondir").write_text("../..\n")
    (tree / ".git").write_text(f"gitdir: {inner}\n")
    assert store_of_folder(tree) == "project/example.com/acme/app"


def test_a_folder_without_a_remote_is_its_name_and_eight_digits_of_its_path(folder: Path):
    store = store_of_folder(folder)
    assert store.startswith("project/acme-")
    assert len(store) == len("project/acme-") + 8
    twin = folder.parent / "twin" / "acme"
    twin.mkdir(parents=True)
    assert store_of_folder(twin) != store
    set_remote(folder)
    assert store_of_folder(folder / "src") == store


def test_a_home_folder_a_root_and_no_folder_at_all_mean_the_user(folder: Path):
    home = folder.parent.parent
    assert store_of_folder(home) == "user"
    assert store_of_folder(Path(folder.anchor)) == "user"
    assert store_of_folder(folder / "gone") == "user"
    # A repository of dotfiles does not swallow every folder below the home folder.
    set_remote(home, ("origin", "git@example.com:ada/dotfiles.git"))
    assert store_of_folder(home) == "user"
    assert store_of_folder(folder).startswith("project/acme-")


@pytest.mark.parametrize("config", ["[remote", '[remote "origin"]\n\turl', "\xff\xfe", '[remote "origin"]\nurl = \n'])
def test_a_damaged_git_folder_is_only_a_folder(folder: Path, config: str):
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_bytes(config.encode("latin-1"))
    assert store_of_folder(folder).startswith("project/acme-")


def test_a_very_long_or_odd_folder_name_still_names_a_store(folder: Path):
    odd = folder / ("ü\n " * 60)
    odd.mkdir()
    store = store_of_folder(odd)
    assert len(store.encode()) <= 256
    assert store.isprintable()
