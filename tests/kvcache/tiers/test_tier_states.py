"""Whatever fails in whatever order: a session that comes back is the one that went, or it does not come back."""

from collections.abc import Callable
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kvcache import Tier
from tests.kvcache.fakes import FakeClock
from tests.kvcache.tiers.fakes import FakeStore, Gate, add, filling, lost, small_manager

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])


def _nothing(_: str) -> None:
    """All is well."""


class Tiers(RuleBasedStateMachine):
    faults: ClassVar[list[Callable[[str], None]]] = [
        _nothing,
        lost("put"),
        lost("get"),
        lost("delete"),
        lost("put", "delete"),
        lost("put", "get", "delete"),
    ]

    @initialize()
    def start(self) -> None:
        self.store, self.clock = FakeStore(), FakeClock()
        self.states: dict[
            str, list[float]
        ] = {}  # what each session was when it was last seen; none where nobody should find it
        self.number, self.faulty = 0.0, False
        self.gate: Gate | None = None  # what holds the store up
        self.open()

    def open(self) -> None:
        self.manager = small_manager(2)
        self.tier = Tier(self.manager, self.store, time_limit=0.2, cooldown=0.01, clock=self.clock)

    @rule(name=NAMES, count=st.integers(1, 3))
    def continue_a_session(self, name: str, count: int) -> None:
        entry = self.tier.get(name)
        if entry is None:
            self.states[name] = []
            entry = self.tier.get_or_create(name)
        assert filling(self.manager, name) == self.states[name]
        for _ in range(min(count, 8 - len(entry))):
            self.number += 1
            add(self.manager, name, 1, self.number)
            self.states[name] = [*self.states[name], self.number]

    @rule(name=NAMES)
    def make_it_without_asking(self, name: str) -> None:
        if name not in self.manager:
            self.states[name] = []
        self.manager.get_or_create(name)

    @rule(name=NAMES)
    def look(self, name: str) -> None:
        if self.tier.get(name) is not None:
            assert filling(self.manager, name) == self.states[name]

    @rule(name=NAMES)
    def truncate(self, name: str) -> None:
        if name in self.manager:
            kept = len(self.states[name]) // 2
            self.manager.get_or_create(name).truncate(kept)
            self.states[name] = self.states[name][:kept]

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
        self.manager.evict(name)
        if name in self.states and not self.tier.get(name):
            self.states[name] = []

    @rule(name=NAMES)
    def forget(self, name: str) -> None:
        self.tier.forget(name)
        if name not in self.manager:
            assert self.tier.get(name) is None

    @rule()
    def spill(self) -> None:
        self.tier.spill()

    @rule(number=st.integers(0, 5))
    def change_the_weather(self, number: int) -> None:
        self.let_go()
        self.store.fault = self.faults[number]
        self.faulty |= number > 0
        self.clock.advance(2.0)

    @rule()
    def hold_the_store(self) -> None:
        if self.gate is None:
            self.gate = self.store.fault = Gate("put", "delete")

    @rule()
    def let_go(self) -> None:
        if self.gate is not None:
            self.store.fault = _nothing
            self.gate.open.set()
            self.gate = None

    @rule(name=NAMES)
    def damage(self, name: str) -> None:
        for key, content in self.store.kept.items():
            self.store.kept[key] = content[:-1] + bytes([content[-1] ^ 1])

    @rule()
    def restart(self) -> None:
        self.let_go()
        if not self.faulty:  # a new process takes what it finds, as the page says
            self.manager.close()
            self.tier.close()
            self.open()

    @invariant()
    def it_settles(self) -> None:
        self.clock.advance(2.0)
        self.manager.check()
        if self.gate is not None:
            return
        for _ in range(2000):
            if self.tier.flush(0.01):
                break
            self.clock.advance(2.0)  # a store that failed is asked again
        assert self.tier.statistics().waiting_bytes == 0

    def teardown(self) -> None:
        if hasattr(self, "tier"):
            self.let_go()
            self.tier.close()


TestTiers = Tiers.TestCase
TestTiers.settings = settings(max_examples=25, stateful_step_count=30)
