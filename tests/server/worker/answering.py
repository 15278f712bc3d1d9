"""An agent that judges as the texts say, at once; the tool's own tests have the tool."""

from dreamkeep_server.dream import awaiting
from dreamkeep_store.models import Dream
from dreamkeep_store.store import Stores

from ..judges.sensible import sensibly  # noqa: TID252 - it stands beside the judges' tests


async def answer(stores: Stores, asking: Dream) -> None:
    """Judge a batch of a dream that waits for its agent, as the tool does."""
    now = await stores.get_dream(asking.dream_id)
    if now.waits_until is None:
        return
    payload = awaiting.joined(await stores.read_steps(now.dream_id, "batches"))
    answers = await stores.read_steps(now.dream_id, awaiting.ANSWERS)
    batch, _, _ = awaiting.next_batch(payload, answers)
    assert batch is not None
    rows = [row for question in batch.stored for row in sensibly(question)]
    taken = awaiting.take(batch, rows, await stores.material(now.dream_id))
    following, done, _ = awaiting.next_batch(payload, {**answers, batch.step: taken.payload})
    await stores.answer_step(
        now.dream_id,
        step=batch.step,
        payload=taken.payload,
        done=done,
        wait_seconds=None if following is None else awaiting.WAIT_SECONDS,
        actor="agent",
    )
