"""Asking a model about what code cannot decide: batches, one more try, halves, and never more than the budget.

Every reply is journaled under what was asked, with what it cost. All else follows from the replies in the order of
the questions, so a dream that is killed and taken over asks what is missing and pays for nothing twice.
"""

import hashlib
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol

import anyio
import anyio.to_thread

from dreamkeep_server.dream.answers import decoded, plain
from dreamkeep_server.dream.candidate import WholeSession
from dreamkeep_server.dream.checking import Held, check, united
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.judges.claude import Claude, Prompt, Reply, Unanswered
from dreamkeep_server.dream.questions import Question, in_batches, narrowed
from dreamkeep_store.errors import StoreError
from dreamkeep_store.models import ErrorCode, TokenUsage

TOGETHER_MAX: Final = 4
"""How many calls are under way at once; the first goes alone, so that the others find its prefix cached."""
FAILURES_MAX: Final = 3
"""After so many calls in a row that gave nothing, no more are made."""
ANSWER_TOKENS_MAX: Final = 16_000
"""Of one call, thinking included; more would have to be streamed."""
_ANSWER_TOKENS: Final = 4_000
_ANSWER_TOKENS_EACH: Final = 400
_ANSWER_TOKENS_A_SESSION: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Why a judge did not judge all that it should have."""

    code: ErrorCode
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a model said, as far as it holds."""

    held: dict[int, tuple[Held, ...]]
    """By the number of the question; what is missing is left to the rules."""
    answered: frozenset[int] = frozenset()
    """The questions that any answer came to, sound or not."""
    refusals: tuple[str, ...] = ()
    shortfall: Shortfall | None = None


class Journal(Protocol):
    """Keeps what was paid for."""

    async def read(self, step: str) -> bytes | None:
        """Return what was kept under this name."""
        ...

    async def write(self, step: str, payload: bytes, cost: TokenUsage) -> None:
        """Keep it, and count what it cost."""
        ...


@dataclass(slots=True, kw_only=True)
class Budget:
    """What may be spent, and what has been."""

    tokens_max: int | None
    usd_max: float | None
    tokens: int = 0
    usd: float = 0.0

    def spend(self, usage: TokenUsage) -> None:
        """Count what a call took."""
        self.tokens += total_of(usage)
        self.usd += usage.cost_usd

    def fits(self, most: Iterable[TokenUsage]) -> bool:
        """Say whether calls that take at most this much can be made together."""
        together = list(most)
        tokens = self.tokens + sum(total_of(usage) for usage in together)
        usd = self.usd + sum(usage.cost_usd for usage in together)
        return (self.tokens_max is None or tokens <= self.tokens_max) and (self.usd_max is None or usd <= self.usd_max)


def total_of(usage: TokenUsage) -> int:
    """Return all tokens of the four kinds together."""
    cached = usage.cache_creation_input_tokens + usage.cache_read_input_tokens
    return usage.input_tokens + usage.output_tokens + cached


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """Questions that one call asks together."""

    questions: tuple[Question, ...]
    wrong: tuple[str, ...] = ()
    """What was wrong with the answer before this one."""
    is_repair: bool = False

    def halves(self) -> "tuple[_Round, _Round]":
        middle = len(self.questions) // 2
        first, second = self.questions[:middle], self.questions[middle:]
        return (
            _Round(questions=first, wrong=self.wrong, is_repair=self.is_repair),
            _Round(questions=second, wrong=self.wrong, is_repair=self.is_repair),
        )

    @property
    def prompt(self) -> Prompt:
        lines = ["<stored>", *(question.shown for question in self.questions), "</stored>"]
        if self.wrong:
            said = json.dumps(self.wrong, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
            lines += ["You were asked about these before, and code refused your answer. What was wrong:", said]
            lines += ["Of a session, say again only what was refused, mended; the rest of your answer stands."]
        lines.append("Judge these candidates, by number: " + ", ".join(str(q.number) for q in self.questions))
        sessions = sum(isinstance(question.candidate, WholeSession) for question in self.questions)
        tokens = _ANSWER_TOKENS + _ANSWER_TOKENS_EACH * len(self.questions) + _ANSWER_TOKENS_A_SESSION * sessions
        return Prompt(text="\n".join(lines), answer_tokens_max=min(tokens, ANSWER_TOKENS_MAX))


@dataclass(slots=True, kw_only=True)
class _Asking:
    """How far the asking is."""

    waiting: deque[_Round]
    held: dict[int, tuple[Held, ...]] = field(default_factory=dict[int, tuple[Held, ...]])
    answered: set[int] = field(default_factory=set[int])
    refusals: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])
    """Why the last calls in a row gave nothing."""
    is_read: bool = False
    """Whether any answer held any judgement."""
    is_over: bool = False

    def settle(self, asked: _Round, reply: Reply | Unanswered, ground: Ground) -> None:
        """Take what an answer is worth, and queue what has to be asked again."""
        if isinstance(reply, Unanswered):
            self._fail(asked, reply)
            return
        self.failures.clear()
        candidates = {question.number: question.candidate for question in asked.questions}
        checked = check(decoded(reply.text), candidates, ground, trust_max="user")
        if not checked.is_read and len(asked.questions) > 1:
            self.waiting.extendleft(reversed(asked.halves()))
            return
        self.is_read |= checked.is_read
        self.answered |= candidates.keys()
        for number, held in checked.held.items():
            self.held[number] = united(self.held.get(number, ()), held)
        if checked.open and not asked.is_repair:
            again = tuple(
                narrowed(question, checked.near.get(question.number, ()))
                for question in asked.questions
                if question.number in checked.open
            )
            self.waiting.appendleft(_Round(questions=again, wrong=checked.sentences, is_repair=True))
        else:
            self.refusals += checked.sentences

    def _fail(self, asked: _Round, reply: Unanswered) -> None:
        self.failures.append(plain(reply.why))
        if reply.kind == "late" and len(asked.questions) > 1:
            self.waiting.extendleft(reversed(asked.halves()))
        else:
            self.refusals.append(f"{_named(asked.questions)} not judged: {self.failures[-1]}")
        self.is_over |= reply.kind == "refused" or len(self.failures) >= FAILURES_MAX


def _named(questions: Sequence[Question]) -> str:
    numbers = [question.number for question in questions]
    return f"Candidate {numbers[0]} was" if len(numbers) == 1 else f"Candidates {numbers[0]} to {numbers[-1]} were"


async def judge_by_model(
    questions: Sequence[Question],
    ground: Ground,
    model: Claude,
    budget: Budget,
    journal: Journal,
    *,
    keep: Callable[[dict[int, tuple[Held, ...]]], Awaitable[None]],
    watch: Callable[[int], None],
) -> Verdict:
    """Ask the model about all questions, as far as the budget goes.

    `keep` gets what holds as it comes, by the number of the question, and `watch` how many are judged.
    """
    asking = _Asking(waiting=deque(_Round(questions=batch) for batch in in_batches(questions)))
    ran_out = False
    together = 1
    while asking.waiting and not asking.is_over:
        rounds = _affordable(asking.waiting, model, budget, together)
        if not rounds:
            ran_out = True
            break
        replies = await _replies(rounds, model, journal)
        for asked, reply in zip(rounds, replies, strict=True):
            if isinstance(reply, Reply):
                budget.spend(reply.usage)
            elif reply.kind == "late":
                budget.spend(model.most(asked.prompt))
        for asked, reply in reversed(list(zip(rounds, replies, strict=True))):
            await anyio.to_thread.run_sync(asking.settle, asked, reply, ground)
        numbers = {question.number for asked in rounds for question in asked.questions}
        await keep({number: held for number, held in asking.held.items() if number in numbers})
        watch(len(asking.held))
        together = TOGETHER_MAX
    unasked = sum(len(rest.questions) for rest in asking.waiting)
    if asking.is_over and unasked:
        asking.refusals.append(f"{unasked} more candidates were not asked about after that.")
    shortfall = _shortfall(asking, budget, len(questions), ran_out=ran_out)
    return Verdict(
        held=asking.held,
        answered=frozenset(asking.answered),
        refusals=tuple(asking.refusals),
        shortfall=shortfall,
    )


def _affordable(waiting: deque[_Round], model: Claude, budget: Budget, together: int) -> list[_Round]:
    """Take the next rounds that fit the budget together; one that does not fit alone is halved until it does."""
    rounds: list[_Round] = []
    most: list[TokenUsage] = []
    while waiting and len(rounds) < together:
        bound = model.most(waiting[0].prompt)
        if budget.fits((*most, bound)):
            rounds.append(waiting.popleft())
            most.append(bound)
        elif rounds or len(waiting[0].questions) == 1:
            break
        else:
            waiting.extendleft(reversed(waiting.popleft().halves()))
    return rounds


async def _replies(rounds: Sequence[_Round], model: Claude, journal: Journal) -> list[Reply | Unanswered]:
    """Return what each round gave, in their order; journaled ones are not asked again.

    Raises what the journal raises, bare: a dream that was canceled or taken over is no fault.
    """
    replies: dict[int, Reply | Unanswered] = {}
    lost: list[StoreError] = []

    async def one(place: int, prompt: Prompt) -> None:
        try:
            replies[place] = await _journaled(prompt, model, journal)
        except StoreError as error:
            lost.append(error)

    async with anyio.create_task_group() as tasks:
        for place, asked in enumerate(rounds):
            tasks.start_soon(one, place, asked.prompt)
    if lost:
        raise lost[0]
    return [replies[place] for place in range(len(rounds))]


async def _journaled(prompt: Prompt, model: Claude, journal: Journal) -> Reply | Unanswered:
    step = "call " + hashlib.sha256(model.identity(prompt).encode()).hexdigest()
    kept = await journal.read(step)
    if kept is not None:
        fields: dict[str, Any] = json.loads(kept)
        return Reply(text=fields["text"], usage=TokenUsage(**fields["usage"]))
    reply = await model.ask(prompt)
    if isinstance(reply, Reply):
        await journal.write(step, json.dumps(asdict(reply)).encode(), reply.usage)
    return reply


def _shortfall(asking: _Asking, budget: Budget, questions: int, *, ran_out: bool) -> Shortfall | None:
    if ran_out:
        limits = [f"{budget.tokens_max:,} tokens"] if budget.tokens_max is not None else []
        limits += [f"{budget.usd_max:,.2f} US dollars"] if budget.usd_max is not None else []
        message = (
            f"The budget ({', '.join(limits)}) has no room for another call: {budget.tokens:,} tokens and "
            f"{budget.usd:,.4f} dollars are spent, and {len(asking.held)} of {questions} questions are judged. The "
            "rest is as the rules have it."
        )
        return Shortfall(code="budget_exceeded", message=message)
    if asking.is_read or not questions:
        return None
    if asking.failures:
        message = f"The judge could not be asked: {asking.failures[-1]}. Nothing was changed; judge=rules needs no key."
        return Shortfall(code="judge_unavailable", message=message)
    message = (
        f"None of the judge's answers about {questions} questions could be used, so nothing was changed. First: "
        f"{asking.refusals[0]} judge=rules needs no model, and another model may do."
    )
    return Shortfall(code="verification_failed", message=plain(message, 600))
