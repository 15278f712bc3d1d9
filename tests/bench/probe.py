"""A second program on the same file: writes or reads something tiny again and again, and notes how long it waits.

`probe.py (writer|reader) DATABASE`; says `ready`, and at the end of its input prints a JSON list of
[began, seconds it took], on the clock of `time.monotonic`.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from dreamkeep_store.database import connect, preferred_library

PACE_SECONDS = 0.003
"""Between two attempts, so that the probe is not itself what the others wait for."""
RETRY_SECONDS = 0.001
"""SQLite's own waiting looks again after up to 100 ms, which would hide how short the lock was held."""


def main() -> None:
    """Probe until standard input closes."""
    role, path = sys.argv[1:]
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    connection = connect(preferred_library, Path(path), read_only=role == "reader")
    connection.execute("PRAGMA busy_timeout = 0")
    attempt = _write if role == "writer" else _read
    print("ready", flush=True)  # noqa: T201  # what the parent waits for
    attempts: list[tuple[float, float]] = []
    while not stop.wait(PACE_SECONDS):
        began = time.monotonic()
        attempt(connection)
        attempts.append((began, time.monotonic() - began))
    connection.close()
    json.dump(attempts, sys.stdout)


def _write(connection: Any) -> None:
    library: Any = preferred_library
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except library.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(RETRY_SECONDS)
        else:
            break
    connection.execute("UPDATE store SET created_at = created_at WHERE store_id = 1")
    connection.execute("COMMIT")


def _read(connection: Any) -> None:
    connection.execute("BEGIN")
    connection.execute(
        "SELECT content FROM entry WHERE revision_id = (SELECT MAX(revision_id) FROM revision)"
    ).fetchone()
    connection.execute("COMMIT")


if __name__ == "__main__":
    main()
