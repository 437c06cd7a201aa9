"""Call memories keep their promises in memory, in moto's DynamoDB, and in the local cloud's."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from duologue.adapters.basics.dynamo_writes import transact
from duologue.adapters.memory.dynamo_memories import DynamoMemories
from duologue.adapters.rows.memory_rows import remembered
from duologue.domain.calls.memory_draft import MemoryKey
from duologue.domain.errors import RaceLost
from duologue.domain.memory.call_memory import CallMemory, SetBy, order_of
from duologue.domain.memory.memory_history import MemoryChange
from tests.contract.test_accounts import new_table
from tests.fakes.memory_book import FakeMemories
from tests.samples import NOW, at

KEEP = timedelta(days=90)
KEY = MemoryKey("display-1", "pair-1")
MEMORY = CallMemory(
    KEY,
    sp="sp-1",
    app="app-1",
    session="1_1_1_20261123090000",
    order=order_of(NOW, "1_1_1_20261123090000"),
    version=1,
    set_by=SetBy.CALL,
    remembered_at=NOW,
    expires_at=NOW + timedelta(days=30),
    target="pair-of-jack",
    sealed=b"sealed",
)


def dialled(second: float, **more) -> CallMemory:
    """The memory of a call whose callee was dialled then."""
    moment, session = at(second), f"1_1_{second}_20261123090000"
    made = replace(MEMORY, session=session, order=order_of(moment, session), remembered_at=moment)
    return replace(made, **more)


def changed(second: float, version: int, **more) -> MemoryChange:
    return replace(MemoryChange(at(second), "sp-1", "app-1 request-1", "+120*****11", "+120*****44", version), **more)


def repointed(memory: CallMemory, second: float) -> CallMemory:
    order = order_of(at(second), "sp")
    return replace(memory, order=order, set_by=SetBy.SP, remembered_at=at(second), target="pair-of-jill", sealed=b"x")


class Promises:
    """What every store of call memories keeps."""

    def test_a_memory_comes_back_as_it_was_written(self, memories, remember):
        assert memories.memory(KEY) is None
        assert remember(MEMORY)
        assert memories.memory(KEY) == MEMORY
        assert memories.memory(MemoryKey("display-2", "pair-1")) is None

    @pytest.mark.parametrize("seconds", list(permutations((1, 2, 3))))
    def test_the_last_dial_counts_in_whatever_order_the_calls_are_written(self, memories, remember, seconds):
        written = [remember(dialled(second)) for second in seconds]
        assert written == [second == max(seconds[: place + 1]) for place, second in enumerate(seconds)]
        found = memories.memory(KEY)
        assert found == dialled(3, version=sum(written))

    def test_of_two_changes_that_read_the_same_the_second_loses(self, memories, remember):
        remember(MEMORY)
        after = repointed(MEMORY, 60)
        memories.repoint(MEMORY, after, changed(60, 2))
        assert memories.memory(KEY) == replace(after, version=2)
        for late in (
            lambda: memories.repoint(MEMORY, repointed(MEMORY, 61), changed(61, 2)),
            lambda: memories.forget(MEMORY, order_of(at(61), "sp"), changed(61, 2)),
        ):
            with pytest.raises(RaceLost):
                late()
        assert memories.memory(KEY) == replace(after, version=2)
        assert memories.changes(KEY, 10) == (changed(60, 2),), "what was refused is in no history"

    def test_a_call_that_was_dialled_before_a_change_does_not_undo_it(self, memories, remember):
        remember(MEMORY)
        memories.repoint(MEMORY, repointed(MEMORY, 60), changed(60, 2))
        assert not remember(dialled(59))
        assert memories.memory(KEY).set_by is SetBy.SP
        assert remember(dialled(61))
        assert memories.memory(KEY) == dialled(61, version=3)

    def test_a_deletion_stands_against_calls_dialled_before_and_its_version_does_not_come_again(
        self, memories, remember
    ):
        remember(MEMORY)
        memories.forget(MEMORY, order_of(at(60), "sp"), changed(60, 2, after=None))
        assert memories.memory(KEY) is None
        with pytest.raises(RaceLost):
            memories.repoint(MEMORY, repointed(MEMORY, 61), changed(61, 2))
        assert not remember(dialled(59))
        assert memories.memory(KEY) is None
        assert remember(dialled(61))
        assert memories.memory(KEY) == dialled(61, version=3)

    def test_a_display_number_is_listed_page_by_page(self, memories, remember):
        own = [dialled(1, key=MemoryKey("display-1", f"pair-{number}")) for number in range(5)]
        for memory in (
            *reversed(own),
            dialled(1, key=MemoryKey("display-1", "pair-0-of-another-sp"), sp="sp-2"),
            dialled(1, key=MemoryKey("display-1", "pair-1-expired"), expires_at=at(100)),
            dialled(1, key=MemoryKey("display-2", "pair-1")),
        ):
            remember(memory)
        gone = dialled(1, key=MemoryKey("display-1", "pair-2-deleted"))
        remember(gone)
        memories.forget(gone, order_of(at(60), "sp"), changed(60, 2))
        for limit in (1, 2, 3, 5, 100):
            pages = list(self.pages(memories, limit))
            assert [memory for page in pages for memory in page.memories] == own
            assert max(len(page.memories) for page in pages) == min(limit, 5)
        assert self.listed(memories, "display-3") == []
        everybodys = memories.of_display("display-1", None, at(100), 100, None).memories
        assert {memory.sp for memory in everybodys} == {"sp-1", "sp-2"}
        assert len(everybodys) == 6

    def pages(self, memories, limit: int, display: str = "display-1"):
        after = None
        while True:
            page = memories.of_display(display, "sp-1", at(100), limit, after)
            yield page
            after = page.after
            if after is None:
                return

    def listed(self, memories, display: str):
        return [memory for page in self.pages(memories, 10, display) for memory in page.memories]

    def test_where_a_number_is_rung(self, memories, remember):
        here = [dialled(1, key=MemoryKey("display-1", f"pair-{number}"), target="jack") for number in range(3)]
        for memory in (*here, dialled(1, key=MemoryKey("display-2", "pair-1"), target="jack"), dialled(2)):
            remember(memory)
        assert sorted(memories.of_target("display-1", "jack"), key=lambda memory: memory.key.pair) == [
            memory for memory in here if memory.key != KEY
        ]

    def test_the_newest_changes_come_first_and_outlive_the_memory(self, memories, remember):
        remember(MEMORY)
        for version in range(1, 4):
            found = memories.memory(KEY)
            memories.repoint(found, repointed(found, 60 + version), changed(60 + version, version + 1))
        memories.forget(memories.memory(KEY), order_of(at(70), "sp"), changed(70, 5, after=None))
        versions = [change.version for change in memories.changes(KEY, 10)]
        assert versions == [5, 4, 3, 2]
        assert memories.changes(KEY, 2) == (changed(70, 5, after=None), changed(63, 4))
        assert memories.changes(MemoryKey("display-1", "pair-2"), 10) == ()

    def test_changes_lose_even_their_masked_numbers(self, memories, remember):
        remember(MEMORY)
        memories.repoint(MEMORY, repointed(MEMORY, 60), changed(60, 2))
        memories.mask_changes(KEY)
        memories.mask_changes(MemoryKey("display-1", "pair-2"))
        assert memories.changes(KEY, 10) == (changed(60, 2, before=None, after=None),)


class TestInMemory(Promises):
    @pytest.fixture
    def memories(self):
        return FakeMemories()

    @pytest.fixture
    def remember(self, memories):
        return memories.remember


class TestInDynamo(Promises):
    @pytest.fixture
    def table(self, aws):
        return new_table(aws("dynamodb"))

    @pytest.fixture
    def memories(self, aws, table):
        return DynamoMemories(aws("dynamodb"), table, KEEP)

    @pytest.fixture
    def remember(self, aws, table):
        def remember(memory: CallMemory) -> bool:
            try:
                transact(aws("dynamodb"), "accounts table", (remembered(table, memory), RaceLost("newer")))
            except RaceLost:
                return False
            return True

        return remember

    def test_a_page_ends_after_some_queries_whatever_they_find(self, memories, remember, aws, table):
        """A number that was another SP's may have thousands of its memories: no request reads them all."""
        for number in range(30):
            remember(dialled(1, key=MemoryKey("display-1", f"pair-{number:02}"), sp="sp-2"))
        mine = dialled(1, key=MemoryKey("display-1", "pair-99"))
        remember(mine)
        pages = list(self.pages(memories, 2))
        assert [len(page.memories) for page in pages] == [0, 0, 0, 1]
        assert [memory for page in pages for memory in page.memories] == [mine]

    def test_at_rest_a_deleted_memory_has_no_ciphertext(self, memories, remember, aws, table):
        remember(MEMORY)
        memories.forget(MEMORY, order_of(at(60), "sp"), changed(60, 2, before=None, after=None))
        items = aws("dynamodb").scan(TableName=table)["Items"]
        assert len(items) == 2
        for item in items:
            assert not item.keys() & {"sealed", "target", "session", "app", "from_number", "to_number"}
            assert "expires_at" in item
