"""An answer of a judge that is a model, checked candidate by candidate before any plan is made.

What does not hold is said back to the judge, which may try once more; a plan checks all of it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dreamkeep_server.dream.answers import plain, read_answer
from dreamkeep_server.dream.candidate import Candidate
from dreamkeep_server.dream.ground import Ground
from dreamkeep_server.dream.judgement import Judgement
from dreamkeep_server.dream.verify import Refused, draft
from dreamkeep_store.models import Trust

UNANSWERED = "it was not answered"
STRAYS_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What an answer is worth: every candidate that was asked about is in one of the two."""

    held: dict[int, Judgement]
    """The judgements that break no rule, by the candidates' numbers."""
    open: dict[int, str]
    """The other candidates, each with what is wrong."""
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
    read = read_answer(raw, asked, ground.material, trust_max=trust_max)
    held: dict[int, Judgement] = {}
    wrong = {number: read.refused.get(number, UNANSWERED) for number in asked}
    for number, judgement in read.judged.items():
        drafted = draft(asked[number], judgement, ground)
        if isinstance(drafted, Refused):
            wrong[number] = plain(drafted.reason)
        else:
            held[number] = judgement
            del wrong[number]
    return Checked(held=held, open=wrong, strays=tuple(read.strays), is_read=bool(read.judged))
