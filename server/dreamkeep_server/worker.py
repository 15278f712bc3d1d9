"""The worker: a process of its own that dreams, under a lease, and ends when nothing waits.

A client that closes ends its server within seconds, so a dream never lives inside one.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskStatus

from dreamkeep_server.meaning.backlog import embed_share
from dreamkeep_server.meaning.meaning import Meaning
from dreamkeep_store.errors import ConflictError, InvalidError, UnavailableError
from dreamkeep_store.models import Dream
from dreamkeep_store.store import Stores, open_stores

if TYPE_CHECKING:  # every server imports this module to start workers, and none of them dreams itself
    from dreamkeep_server.dream.pipeline import Progress

LEASE_SECONDS = 15.0
BEAT_SHARE = 0.13
"""How often the lease is renewed, as a share of it: several beats may be late before it runs out."""
LOOK_AGAIN_SECONDS = 0.5
IDLE_SECONDS = 5.0
STAY_SECONDS = 60.0
"""How long texts are waited for that another process has, or that an embedder cannot embed yet: a lease may run out."""
NEWS_SECONDS = 0.3
"""How often the heartbeat looks whether there is something new to tell those who watch."""
DREAM_SECONDS_MAX = 3_600.0
"""What one worker gives to one dream; that is timeout, and ends it."""
LOG_BYTES_MAX = 1024 * 1024

NO_MEANING = Meaning("none")
_starting: set[Path] = set()
_started: dict[Path, "subprocess.Popen[bytes]"] = {}
"""The worker that this process started last for a database; asked before another one is started."""


async def ensure_worker(stores: Stores, meaning: Meaning = NO_MEANING, *, texts_wait: bool = False) -> None:
    """Start a worker in the background if a dream waits for one, or texts for vectors; safe to call at any time.

    Several workers may run beside each other: whoever claims a dream has it.
    """
    if not texts_wait and not await stores.dream_waits():
        return
    earlier = _started.get(stores.path)
    if stores.path in _starting or (earlier is not None and earlier.poll() is None):
        return
    _starting.add(stores.path)
    try:
        _started[stores.path] = await anyio.to_thread.run_sync(_start, stores.path, meaning)
    finally:
        _starting.discard(stores.path)


def _start(database: Path, meaning: Meaning) -> "subprocess.Popen[bytes]":
    """A detached process: it outlives this one, and no terminal or client can end it by closing.

    The endpoint's key goes through a pipe: arguments can be read by every process of the machine.
    """
    path = database.with_name("worker.log")
    flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        flags |= os.O_TRUNC
    log = os.open(path, flags, 0o600)
    new_group = 0
    if sys.platform == "win32":
        new_group = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    try:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-m", "dreamkeep_server.worker", str(database), meaning.setting],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=database.parent,
            start_new_session=sys.platform != "win32",
            creationflags=new_group,
        )
    finally:
        os.close(log)
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin:  # a worker that could not start has said so in its log
        process.stdin.write((meaning.key or "").encode())
    return process


async def run_worker(
    stores: Stores,
    meaning: Meaning = NO_MEANING,
    *,
    idle_seconds: float = IDLE_SECONDS,
    lease_seconds: float = LEASE_SECONDS,
    dream_seconds: float = DREAM_SECONDS_MAX,
    report: Callable[[str], None] | None = None,
) -> None:
    """Take waiting dreams one after another, embed what waits between them, return after `idle_seconds` of neither.

    A dream whose worker has not been heard of for `lease_seconds` waits again; one that takes longer than
    `dream_seconds` fails.
    """
    owner = f"{os.getpid()}@{platform.node()}"
    idle_since = anyio.current_time()
    while True:
        dream = await stores.claim_dream(owner, lease_seconds=lease_seconds)
        if dream is not None:
            ended = await _run_claimed(stores, dream, meaning, lease_seconds, dream_seconds)
            if report is not None:
                report(f"Dream {dream.dream_id} of store {dream.store}: {ended}")
            idle_since = anyio.current_time()
            continue
        embedding = await embed_share(stores, meaning, owner)
        stays = max(idle_seconds, STAY_SECONDS) if embedding == "waits" else idle_seconds
        if embedding == "embedded":
            idle_since = anyio.current_time()
        elif anyio.current_time() - idle_since >= stays:
            return
        else:
            await anyio.sleep(LOOK_AGAIN_SECONDS)  # other processes queue dreams, and SQLite tells nobody


async def _run_claimed(
    stores: Stores, dream: Dream, meaning: Meaning, lease_seconds: float, dream_seconds: float
) -> str:
    """Run one dream under its lease; gives how it ended, for a person."""
    from dreamkeep_server.dream.pipeline import Progress

    progress = Progress()
    ended = "given up: it was canceled, or another worker has it"
    async with anyio.create_task_group() as tasks:
        await tasks.start(_beat, stores, dream, progress, lease_seconds, tasks.cancel_scope)
        ended = await _outcome(stores, dream, progress, meaning, dream_seconds)
        tasks.cancel_scope.cancel()
    return ended


async def _outcome(stores: Stores, dream: Dream, progress: "Progress", meaning: Meaning, dream_seconds: float) -> str:
    """Run the dream; what it cannot get over is recorded as its failure.

    A database that cannot serve is nobody's failure: the error goes on, this process ends, the lease
    runs out, and another worker takes over. A fault of ours is recorded, and goes on as well.
    """
    from dreamkeep_server.dream.pipeline import run_dream

    try:
        with anyio.fail_after(dream_seconds):
            return (await run_dream(stores, dream, progress, meaning)).status
    except ConflictError as lost:
        return f"given up: {lost}"
    except UnavailableError:
        raise
    except InvalidError as refused:
        await stores.fail_dream(dream.dream_id, dream.attempt, "verification_failed", str(refused))
        return "failed: its plan broke a rule of the store"
    except TimeoutError:
        message = (
            f"It took longer than {dream_seconds:,.0f} seconds, the most that a worker gives to a dream, and was at "
            f"the stage {progress.stage!r}. Nothing was changed. start_dream with fewer sessions, or after "
            "forgetting long entries, has less to do."
        )
        await stores.fail_dream(dream.dream_id, dream.attempt, "timeout", message)
        return "failed: it took too long"
    except Exception as fault:
        message = f"The worker stopped at the stage {progress.stage!r} with a {type(fault).__name__}; see worker.log."
        await stores.fail_dream(dream.dream_id, dream.attempt, "internal_error", message)
        raise


async def _beat(
    stores: Stores,
    dream: Dream,
    progress: "Progress",
    lease_seconds: float,
    scope: anyio.CancelScope,
    *,
    task_status: TaskStatus[None],
) -> None:
    """Keep the lease and tell how far the dream is; cancels `scope` once the dream is lost.

    It beats before the lease is near its end, and as soon as there is something to tell.
    """
    is_first = True
    while True:
        told = _news(progress)
        try:
            await stores.beat(
                dream.dream_id,
                dream.attempt,
                lease_seconds=lease_seconds,
                stage=progress.stage,
                done=progress.done,
                total=progress.total,
                decisions=progress.decisions,
            )
        except ConflictError:
            if is_first:
                task_status.started()
            scope.cancel()
            return
        if is_first:
            task_status.started()
            is_first = False
        with anyio.move_on_after(lease_seconds * BEAT_SHARE):
            while _news(progress) == told:  # noqa: ASYNC110  # a thread writes it, which waits for nobody
                await anyio.sleep(NEWS_SECONDS)


def _news(progress: "Progress") -> tuple[str, int, int]:
    return progress.stage, progress.done, sum(progress.decisions.counts.values())


async def _main(database: Path, embedder: str, key: str | None) -> None:
    async with open_stores(database) as stores:
        await run_worker(stores, Meaning(embedder, key=key), report=print)


if __name__ == "__main__":
    anyio.run(_main, Path(sys.argv[1]), sys.argv[2], sys.stdin.read() or None)
    sys.stdout.flush()
    # Python would wait for a thread that makes a plan which nobody wants any more, and no thread can be ended.
    os._exit(0)
