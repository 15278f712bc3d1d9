"""Which store belongs to a folder: a project is its normalised git remote, else its folder."""

import configparser
import hashlib
import re
from pathlib import Path

from dreamkeep_store.models import STORE_NAME_BYTES_MAX, StoreName

USER_STORE = StoreName("user")
PREFIX = "project/"
PARENTS_MAX = 40
_ADDRESS = re.compile(r"^(?:[\w+.-]+://)?(?:[^/@\s]*@)?(\[[0-9a-fA-F:]+\]|[^/:\s]+)(?::\d+(?=/)|:)?/*(.+)$")


def store_of_folder(folder: Path) -> StoreName:
    """The store of the project that `folder` is in; `user` for a home folder, a root, or none.

    The git remote comes first, since it names the project on every machine and in every worktree;
    git itself is not run. A folder without one is its name and 8 hex digits of its path.
    """
    try:
        here = folder.resolve()
        home = Path.home().resolve()
    except (OSError, RuntimeError):
        return USER_STORE
    if here in (home, Path(here.anchor)) or not here.is_dir():
        return USER_STORE
    top = _repository(here, home)
    remote = _remote(top) if top is not None else None
    if remote is not None:
        return _named(remote)
    root = top or here
    return _named(f"{root.name}-{hashlib.sha256(str(root).encode(errors='surrogateescape')).hexdigest()[:8]}")


def normalised(remote: str) -> str | None:
    """A remote without scheme, user, secret, port or `.git`, in small letters; None for a local path."""
    found = _ADDRESS.match(remote.strip())
    is_path = remote.startswith(("/", ".", "~", "file:", "\\")) or re.match(r"^[A-Za-z]:[\\/]", remote)
    if found is None or is_path:
        return None
    path = found[2].rstrip("/").removesuffix(".git").rstrip("/")
    return f"{found[1]}/{path}".lower() if path else None


def _repository(here: Path, home: Path) -> Path | None:
    """The nearest folder with a `.git`, looking up but never as far as the home folder's own."""
    for folder in (here, *here.parents)[:PARENTS_MAX]:
        if folder in (home, Path(folder.anchor)):
            return None
        if (folder / ".git").exists():
            return folder
    return None


def _remote(top: Path) -> str | None:
    """The normalised address of `origin`, else of the first remote by name."""
    config = configparser.RawConfigParser(strict=False, allow_no_value=True, delimiters=("=",))
    try:
        text = (_git_folder(top) / "config").read_text(encoding="utf-8")
        # Git indents its keys; the parser would take an indented line for the end of the one before.
        config.read_string("\n".join(line.strip() for line in text.splitlines()))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return None
    remotes = {
        name.removeprefix('remote "').removesuffix('"'): config.get(name, "url", fallback=None)
        for name in config.sections()
        if name.startswith('remote "')
    }
    for name in sorted(remotes, key=lambda name: (name != "origin", name)):
        address = remotes[name]
        if address and (found := normalised(address)) is not None:
            return found
    return None


def _git_folder(top: Path) -> Path:
    """The folder that holds the repository's config; a worktree's `.git` is a file that leads there."""
    dot_git = top / ".git"
    if dot_git.is_dir():
        return dot_git
    target = dot_git.read_text(encoding="utf-8").strip().removeprefix("gitdir:").strip()
    folder = (top / target).resolve()
    common = folder / "commondir"
    return (folder / common.read_text(encoding="utf-8").strip()).resolve() if common.is_file() else folder


def _named(project: str) -> StoreName:
    """A store's name from a project's: printable, and short enough."""
    clean = "".join(letter if letter.isprintable() and not letter.isspace() else "-" for letter in project)
    name = PREFIX + clean.encode(errors="replace").decode()
    if len(name.encode()) > STORE_NAME_BYTES_MAX:
        digest = hashlib.sha256(project.encode(errors="replace")).hexdigest()[:8]
        name = name.encode()[: STORE_NAME_BYTES_MAX - 9].decode(errors="ignore") + "-" + digest
    return StoreName(name)
