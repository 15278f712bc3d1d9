"""An answer of a judge that is a model, checked candidate by candidate before any plan is made.

What does not hold is said back to the judge, which may try once more; a plan checks all of it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dreamkeep_server.dream.answers import ADDITIONS_A_SESSION_MAX, Row, plain, read_answer
from dreamkeep_server.dream.candidate import Candidate
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.judgement import Add, Insight, Judgement, Keep
from dreamkeep_server.dream.verify import Refused, draft
from dreamkeep_server.dream.words import same_words
from dreamkeep_store.models import Trust

UNANSWERED = "it was not answered"
STRAYS_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A judgement that breaks no rule, and how it was answered."""

    judgement: Judgement
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What an answer is worth: every candidate of it is in `held` or in `open`, a session may be in both."""

    held: dict[int, tuple[Held, ...]]
    """What holds, by the candidates' numbers; several only of a session."""
    open: dict[int, str]
    """The candidates of which something does not hold, each with what is wrong."""
    near: dict[int, tuple[int, ...]]
    """For those of them that are sessions, the messages that what does not hold quotes."""
    strays: tuple[str, ...]
    """What is wrong with the answer besides."""
    is_read: bool
    """Whether there was any judgement in it at all, though it may break a rule."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is wrong, for whoever answered; what was left out is one sentence, however much it is."""
        wrong = [f"Candidate {number}: {why}" for number, why in sorted(self.open.items()) if why != UNANSWERED]
        missing = [str(number) for number, why in sorted(self.open.items()) if why == UNANSWERED]
        if missing:
            wrong.append(plain(f"Not answered: {', '.join(missing)}."))
        return (*wrong, *self.strays[:STRAYS_MAX])


def check(raw: object, asked: Mapping[int, Candidate], ground: Ground, *, trust_max: Trust) -> Checked:
    """Return what of a decoded answer holds, and why the rest does not; never raises for what it holds."""
    read = read_answer(raw, asked, trust_max=trust_max)
    held: dict[int, tuple[Held, ...]] = {}
    wrong: dict[int, list[str]] = {number: [*why] for number, why in read.refused.items()}
    near = {number: set(messages) for number, messages in read.near.items()}
    for number, judgements in read.judged.items():
        for judgement, row in judgements:
            drafted = draft(asked[number], judgement, ground)
            if isinstance(drafted, Refused):
                wrong.setdefault(number, []).append(drafted.reason)
                near.setdefault(number, set()).update(_quoted(judgement))
            else:
                held[number] = united(held.get(number, ()), (Held(judgement=judgement, row=row),))
    unanswered = dict.fromkeys((number for number in asked if number not in held and number not in wrong), UNANSWERED)
    return Checked(
        held=held,
        open=unanswered | {number: plain(" ".join(why)) for number, why in wrong.items()},
        near={number: tuple(sorted(near.get(number, ()))) for number in wrong},
        strays=tuple(read.strays),
        is_read=bool(read.judged),
    )


def _quoted(judgement: Judgement) -> set[int]:
    return {quote.message for quote in judgement.quotes} if isinstance(judgement, Add | Insight) else set()


def united(before: tuple[Held, ...], after: tuple[Held, ...]) -> tuple[Held, ...]:
    """Return what two answers about one candidate hold together: once each text, and one text for each quote."""
    together = list(before)
    for one in after:
        if not any(_is_one(one.judgement, other.judgement) for other in together):
            together.append(one)
    telling = [one for one in together if not isinstance(one.judgement, Keep)]
    return tuple(telling[:ADDITIONS_A_SESSION_MAX] or together[:1])


def _is_one(left: Judgement, right: Judgement) -> bool:
    if not isinstance(left, Add | Insight) or not isinstance(right, Add | Insight):
        return left == right
    return same_words(left.content) == same_words(right.content) or set(left.quotes) == set(right.quotes)
