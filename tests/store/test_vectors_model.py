"""Any sequence of remembering, embedding, erasing and reindexing: the vectors agree with dicts."""

import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dreamkeep_store import recipes, vectors
from dreamkeep_store.models import EntryId, NewEntry, StoreName, TextToEmbed
from dreamkeep_store.store import Stores, open_stores

from .dreaming import USER, connect
from .test_vectors import DIMENSIONS, OTHER, RECIPE, WORK, Copy, embed, fail, vector_of

T = TypeVar("T")
EXAMPLES = 60
STEPS = 30
TEXTS = [f"text {letter}" for letter in "abcdef"]
NAMES = (USER, WORK)
RECIPES = st.sampled_from([RECIPE, OTHER])

Text = tuple[StoreName, str]


class VectorModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        # So that what is done in shares is done in several, with these few texts.
        self.shares = [patch.object(recipes, "ADVANCE_MAX", 2), patch.object(vectors, "FORGET_MAX", 2)]
        for share in self.shares:
            share.start()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "dreamkeep.db"
        self.portal_manager = start_blocking_portal()
        self.portal = self.portal_manager.__enter__()
        self.opened = self.portal.wrap_async_context_manager(open_stores(self.path))
        self.stores: Stores = self.opened.__enter__()
        self.others_opened = self.portal.wrap_async_context_manager(open_stores(self.path))
        self.others: Stores = self.others_opened.__enter__()
        self.entries: dict[Text, EntryId] = {}
        self.embedded: dict[str, dict[Text, bytes | None]] = {RECIPE: {}, OTHER: {}}
        self.copies = {recipe: Copy(recipe=recipe) for recipe in (RECIPE, OTHER)}
        self.taken: dict[str, list[TextToEmbed]] = {RECIPE: [], OTHER: []}
        """Had from the store, and not yet given back: by then they may be erased, or embedded by another."""

    def teardown(self) -> None:
        try:
            assert self.do(self.stores.verify) == []
        finally:
            self.others_opened.__exit__(None, None, None)
            self.opened.__exit__(None, None, None)
            self.portal_manager.__exit__(None, None, None)
            self.folder.cleanup()
            for share in self.shares:
                share.stop()

    def do(self, call: Callable[..., Awaitable[T]], *arguments: Any, **named: Any) -> T:
        return self.portal.call(partial(call, *arguments, **named))

    def numbers(self) -> dict[int, Text]:
        connection = connect(self.path)
        rows = connection.execute("SELECT content_id, store.name, text FROM content JOIN store USING (store_id)")
        found = {content_id: (StoreName(name), text) for content_id, name, text in rows}
        connection.close()
        return found

    @initialize()
    def first(self) -> None:
        for name in NAMES:
            self.remember(name, TEXTS[0])
        for recipe in (RECIPE, OTHER):
            self.do(self.stores.use_recipe, recipe, "tiny", DIMENSIONS)

    @rule(name=st.sampled_from(NAMES), text=st.sampled_from(TEXTS))
    def remember(self, name: StoreName, text: str) -> None:
        kept = self.do(self.stores.remember, name, NewEntry(content=text), actor="agent")
        self.entries[name, text] = kept.entry_id

    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        if not self.entries:
            return
        text = data.draw(st.sampled_from(sorted(self.entries)))
        self.do(self.others.erase, [self.entries.pop(text)], actor="user")
        for embedded in self.embedded.values():
            embedded.pop(text, None)

    @rule(recipe=RECIPES, limit=st.integers(1, 4), newest=st.booleans())
    def take(self, recipe: str, limit: int, newest: bool) -> None:
        found = self.do(self.stores.texts_to_embed, recipe, limit, newest=newest)
        numbers = self.numbers()
        waiting = [number for number in sorted(numbers) if numbers[number] not in self.embedded[recipe]]
        wanted = waiting[::-1][:limit] if newest else waiting[:limit]
        assert [(one.content_id, one.text) for one in found] == [(number, numbers[number][1]) for number in wanted]
        self.taken[recipe] += found

    @rule(recipe=RECIPES, fails=st.booleans(), count=st.integers(1, 5))
    def put(self, recipe: str, fails: bool, count: int) -> None:
        given, self.taken[recipe] = self.taken[recipe][:count], self.taken[recipe][count:]
        numbers = self.numbers()
        new = 0
        for one in given:
            text = numbers.get(one.content_id)
            if text is not None and text[1] == one.text and text not in self.embedded[recipe]:
                self.embedded[recipe][text] = None if fails else vector_of(one.text, recipe)
                new += 1
        put = [fail(one) if fails else embed(one, recipe) for one in given]
        assert self.do(self.others.put_vectors, recipe, put) == new

    @rule(recipe=RECIPES)
    def embed_the_rest(self, recipe: str) -> None:
        while found := self.do(self.stores.texts_to_embed, recipe, 3):
            self.do(self.stores.put_vectors, recipe, [embed(one, recipe) for one in found])
        for text in self.entries:
            self.embedded[recipe].setdefault(text, vector_of(text[1], recipe))
        (standing,) = [one for one in self.do(self.others.recipes) if one.recipe == recipe]
        assert standing.complete
        assert standing.complete_at is not None

    @rule(recipe=RECIPES, failed_only=st.booleans())
    def forget(self, recipe: str, failed_only: bool) -> None:
        self.do(self.stores.forget_vectors, recipe, failed_only=failed_only)
        for text, vector in list(self.embedded[recipe].items()):
            if vector is None or not failed_only:
                del self.embedded[recipe][text]

    @rule(recipe=RECIPES)
    def drop(self, recipe: str) -> None:
        self.do(self.others.drop_recipe, recipe)
        self.embedded[recipe] = {}
        self.do(self.others.use_recipe, recipe, "tiny", DIMENSIONS)

    @rule(recipe=RECIPES, limit=st.integers(1, 3))
    def read(self, recipe: str, limit: int) -> None:
        self.do(self.copies[recipe].refresh, self.stores, NAMES, limit)
        numbers = self.numbers()
        copied = {
            numbers[number]: vector
            for of_store in self.copies[recipe].held.values()
            for number, vector in of_store.items()
        }
        assert copied == {text: vector for text, vector in self.embedded[recipe].items() if vector is not None}

    @invariant()
    def counts_are_right(self) -> None:
        for standing in self.do(self.stores.recipes):
            embedded = self.embedded[standing.recipe]
            assert standing.texts == len(self.entries)
            assert standing.embedded + standing.failed == len(embedded)
            assert standing.failed == sum(vector is None for vector in embedded.values())
            assert standing.complete == (len(embedded) == len(self.entries))


def test_any_sequence_of_calls_leaves_the_vectors_as_dicts_would_be() -> None:
    run_state_machine_as_test(
        VectorModel,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        ),
    )
