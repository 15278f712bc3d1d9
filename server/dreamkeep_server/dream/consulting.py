"""What a dream asks a judge that is a model: candidates and sessions first, then what the sessions have in common.

What an earlier dream of the store was answered to the same question is neither asked nor paid for again.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import anyio.to_thread

from dreamkeep_server import staleness
from dreamkeep_server.dream import awaiting
from dreamkeep_server.dream.answers import JudgeAnswer
from dreamkeep_server.dream.candidate import Candidate, WholeSession
from dreamkeep_server.dream.checking import Held, check
from dreamkeep_server.dream.estimate import batches_of, cost_of
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.insights import Judged, find_common, without_covered, without_known
from dreamkeep_server.dream.judges import claude, prices
from dreamkeep_server.dream.judging import Budget, Shortfall, Verdict, judge_by_model, total_of
from dreamkeep_server.dream.questions import BATCH_TOKENS_MAX, Question, ask
from dreamkeep_store.models import Dream, Material, SessionId, TokenUsage, Trust
from dreamkeep_store.store import Stores

Watch = Callable[[int, int], None]
"""Is told how many questions are judged, and of how many."""
Answers = dict[int, tuple[Held, ...]]
"""By the numbers of the questions."""
INSIGHT_BATCHES: Final = 1
"""Of an agent's batches, how many are about what its sessions have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consulted:
    """What a judge said in a dream."""

    judged: tuple[Judged, ...] = ()
    """What holds, by what was asked about; what is missing is left to the rules."""
    refusals: tuple[str, ...] = ()
    shortfall: Shortfall | None = None
    unread: tuple[SessionId, ...] = ()
    """The sessions that no judge came to."""
    is_whole: bool = True
    """Whether nothing that was asked is left without a sound answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Consulting:
    """A dream whose judge is to be asked."""

    stores: Stores
    dream: Dream
    material: Material
    found: Sequence[Candidate]
    ground: Ground

    @property
    def judge(self) -> str:
        return judge_key(self.dream.judge, self.dream.model, self.material.instructions)

    @property
    def texts(self) -> list[str]:
        """What the memory says and has not expired."""
        now = self.material.now
        return [entry.content for entry in self.material.entries if not staleness.has_expired(entry, now)]

    @property
    def trust_max(self) -> Trust:
        return "user" if self.dream.judge == "claude" else "agent"

    async def ask(self, room: int = BATCH_TOKENS_MAX) -> tuple[Question, ...]:
        """Return the questions about the candidates and the sessions."""
        return await anyio.to_thread.run_sync(lambda: ask(self.found, self.material.transcripts, tokens_max=room))

    async def new(self, answered: Iterable[tuple[Question, tuple[Held, ...]]]) -> tuple[Judged, ...]:
        """Return what was judged, without additions that the memory has already in other words."""
        judged = [(question.candidate, tuple(one.judgement for one in held)) for question, held in answered]
        return await anyio.to_thread.run_sync(lambda: without_known(judged, self.texts))

    async def ask_further(
        self, judged: Iterable[Judged], *, first: int, room: int = BATCH_TOKENS_MAX
    ) -> tuple[Question, ...]:
        """Return the questions about what the sessions have in common, by what is added of each."""
        common = await anyio.to_thread.run_sync(find_common, judged, self.found)
        return ask(common, tokens_max=room, first=first)

    async def settled(self, questions: Sequence[Question]) -> Answers:
        """Return what earlier dreams were answered to these questions, as far as it still holds."""
        by_key = {question.fingerprint(self.judge): question for question in questions}
        kept = await self.stores.settled_before(self.dream.dream_id, list(by_key))

        def read() -> Answers:
            answers: Answers = {}
            for key, payload in kept.items():
                question = by_key[key]
                rows = [{**row, "candidate": question.number} for row in json.loads(payload)]
                asked = {question.number: question.candidate}
                answers |= check({"judgements": rows}, asked, self.ground, trust_max=self.trust_max).held
            return answers

        return await anyio.to_thread.run_sync(read)

    async def settle(self, questions: Iterable[Question], answers: Answers) -> None:
        """Keep what was answered for the dreams after this one."""
        kept = {
            question.fingerprint(self.judge): json.dumps([one.row for one in answers[question.number]]).encode()
            for question in questions
            if question.number in answers
        }
        if kept:
            await self.stores.settle(self.dream.dream_id, self.dream.attempt, kept)

    async def note_estimate(self, questions: Sequence[Question]) -> None:
        """Keep what asking these is to take, before anything is asked."""
        dream, wishes = self.dream, self.material.instructions
        batches = batches_of(questions, dream.judge, dream.budget_tokens, wishes)
        cost = cost_of(batches, dream.judge, dream.model, wishes)
        dollars = cost.cost_usd if self.dream.judge == "claude" else None
        await self.stores.note_estimate(self.dream.dream_id, self.dream.attempt, tokens=total_of(cost), usd=dollars)


def judge_key(judge: str, model: str | None, instructions: str) -> str:
    """Return who answers as one text: another model, or another wish, may answer otherwise."""
    return json.dumps([judge, (model or prices.MODEL) if judge == "claude" else None, instructions])


async def consult(
    stores: Stores, dream: Dream, material: Material, found: Sequence[Candidate], watch: Watch
) -> Consulted | None:
    """Return what the dream's judge says; None once the dream waits for it. The rules judge is asked nothing."""
    if dream.judge == "rules":
        return Consulted()
    this = _Consulting(stores=stores, dream=dream, material=material, found=found, ground=Ground(material))
    return await (_by_claude(this, watch) if dream.judge == "claude" else _by_agent(this))


async def _by_claude(this: _Consulting, watch: Watch) -> Consulted:
    questions = await this.ask()
    known = await this.settled(questions)
    new = [question for question in questions if question.number not in known]
    await this.note_estimate(new)
    async with AsyncExitStack() as stack:
        put = _putting(this, stack, watch)
        first = await put(new)
        judged = await this.new(_pairs(questions, known | first.held))
        further: tuple[Question, ...] = ()
        answers: Answers = {}
        second = Verdict(held={})
        if first.shortfall is None:
            further = await this.ask_further(judged, first=len(questions) + 1)
            answers = await this.settled(further)
            second = await put([question for question in further if question.number not in answers])
            answers |= second.held
    # Whatever becomes of the second questions, the first answers stand.
    short = first.shortfall or (second.shortfall if _ran_out(second) else None)
    return Consulted(
        judged=without_covered((*judged, *await this.new(_pairs(further, answers)))),
        refusals=(*first.refusals, *second.refusals),
        shortfall=short,
        unread=_unread(new, first.answered),
        is_whole=all(question.number in answers for question in (*questions, *further)),
    )


def _putting(
    this: _Consulting, stack: AsyncExitStack, watch: Watch
) -> Callable[[Sequence[Question]], Awaitable[Verdict]]:
    """Return what puts questions to Claude within the dream's budget; it is opened at the first of them."""
    dream = this.dream
    budget = Budget(tokens_max=dream.budget_tokens, usd_max=dream.budget_usd)
    journal = _Journal(stores=this.stores, dream=dream)
    opened: list[claude.Claude | claude.Unanswered] = []

    async def put(questions: Sequence[Question]) -> Verdict:
        if not questions:
            return Verdict(held={})
        if not opened:
            model, wishes = dream.model or prices.MODEL, this.material.instructions
            opening = claude.open_claude(model=model, wishes=wishes, schema=JudgeAnswer)
            opened.append(await stack.enter_async_context(opening))
        (judge,) = opened
        if isinstance(judge, claude.Unanswered):
            message = f"The judge could not be asked: {judge.why}. Nothing was changed; judge=rules needs no key."
            return Verdict(held={}, shortfall=Shortfall(code="judge_unavailable", message=message))
        watch(0, len(questions))
        return await judge_by_model(
            questions,
            this.ground,
            judge,
            budget,
            journal,
            keep=lambda held: this.settle(questions, held),
            watch=lambda done: watch(done, len(questions)),
        )

    return put


def _ran_out(verdict: Verdict) -> bool:
    return verdict.shortfall is not None and verdict.shortfall.code == "budget_exceeded"


async def _by_agent(this: _Consulting) -> Consulted | None:
    room = awaiting.room_for(this.material.instructions)
    questions = await this.ask(room)
    known = await this.settled(questions)
    new = [question for question in questions if question.number not in known]
    steps = await this.stores.read_steps(this.dream.dream_id, awaiting.BATCHES_STEP)
    if new and awaiting.BATCHES_STEP not in steps:
        await this.note_estimate(new)
        await _wait(this, awaiting.BATCHES_STEP, new, awaiting.most_batches(new, this.dream.budget_tokens), {})
        return None
    given = await this.stores.read_steps(this.dream.dream_id, awaiting.ANSWERS)
    asked, verdict = await anyio.to_thread.run_sync(awaiting.verdict, awaiting.joined(steps), given, this.material)
    judged = await this.new([*_pairs(questions, known), *_pairs(asked, verdict.held)])
    first = 1 + max((question.number for question in (*questions, *asked)), default=0)
    further = await this.ask_further(judged, first=first, room=room)
    known_further = await this.settled(further)
    open_still = [question for question in further if question.number not in known_further]
    if open_still and awaiting.INSIGHTS_STEP not in steps:
        await _wait(this, awaiting.INSIGHTS_STEP, open_still, INSIGHT_BATCHES, steps)
        return None
    await this.settle(asked, verdict.held)
    return Consulted(
        judged=without_covered((*judged, *await this.new(_pairs(further, known_further)))),
        refusals=verdict.refusals,
        unread=_unread(new, verdict.answered),
    )


async def _wait(
    this: _Consulting, step: str, questions: Sequence[Question], most: int, before: dict[str, bytes]
) -> None:
    """Put the questions down in batches, and the dream to wait for the agent."""
    payload, batches = awaiting.batches_for(questions, this.material.instructions, most)
    done = awaiting.count(before)
    await this.stores.await_judge(
        this.dream.dream_id,
        this.dream.attempt,
        step=step,
        payload=payload,
        done=done,
        batches=done + batches,
        wait_seconds=awaiting.WAIT_SECONDS,
    )


def _pairs(questions: Iterable[Question], answers: Answers) -> list[tuple[Question, tuple[Held, ...]]]:
    return [(question, answers[question.number]) for question in questions if question.number in answers]


def _unread(questions: Iterable[Question], answered: frozenset[int]) -> tuple[SessionId, ...]:
    """Return the sessions among what was to be asked to which no answer came, sound or not."""
    return tuple(
        question.candidate.transcript.session.session_id
        for question in questions
        if isinstance(question.candidate, WholeSession) and question.number not in answered
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Journal:
    """The dream's journal, for calls that were paid for."""

    stores: Stores
    dream: Dream

    async def read(self, step: str) -> bytes | None:
        return await self.stores.read_step(self.dream.dream_id, step)

    async def write(self, step: str, payload: bytes, cost: TokenUsage) -> None:
        await self.stores.write_step(self.dream.dream_id, self.dream.attempt, step, payload, cost=cost)
