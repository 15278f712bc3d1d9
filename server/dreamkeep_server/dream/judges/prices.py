"""What models cost, in US dollars a million tokens; whoever is not listed costs as much as the dearest.

Source: Anthropic's list prices of November 2026, with five-minute cache writes at 1.25 times the input price.
"""

from dataclasses import dataclass
from typing import Final

from dreamkeep_store.models import TokenUsage

MODEL: Final = "claude-sonnet-5"
"""Who judges when nobody else is named."""
MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Dollars a million tokens of each of the four kinds."""

    input: float
    output: float
    cache_creation: float
    cache_read: float

    def of(self, usage: TokenUsage) -> float:
        """Return what these tokens cost, in dollars."""
        return (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_creation_input_tokens * self.cache_creation
            + usage.cache_read_input_tokens * self.cache_read
        ) / MILLION


def _priced(dollars_in: float, dollars_out: float) -> Price:
    return Price(input=dollars_in, output=dollars_out, cache_creation=1.25 * dollars_in, cache_read=0.1 * dollars_in)


_PRICES: Final = {
    "claude-fable-5": _priced(10, 50),
    "claude-fable-5-1": _priced(10, 50),
    "claude-opus-5": _priced(5, 25),
    "claude-opus-5-5": _priced(4, 20),
    "claude-opus-4-8": _priced(5, 25),
    "claude-opus-4-7": _priced(5, 25),
    "claude-sonnet-5": _priced(2, 10),
    "claude-sonnet-5-5": _priced(2, 10),
    "claude-sonnet-4-6": _priced(3, 15),
    "claude-haiku-4-5": _priced(1, 5),
}
_DEAREST: Final = max(_PRICES.values(), key=lambda price: price.output)


def is_priced(model: str) -> bool:
    """Say whether the model's price is known; a dated id of a known model costs the same."""
    return _known(model) is not None


def price_of(model: str) -> Price:
    """Return the price of a model, or the dearest there is: a cap in dollars must hold for any id."""
    return _known(model) or _DEAREST


def _known(model: str) -> Price | None:
    name, _, date = model.rpartition("-")
    return _PRICES.get(model) or (_PRICES.get(name) if len(date) == 8 and date.isdigit() else None)
