"""The numbers of call memories are hashed and encrypted alike in memory, by moto's KMS, and by the local cloud's."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.stub import Stubber

from duologue.adapters.basics.kms_data_keys import KmsDataKeys, Seal
from duologue.adapters.memory.kms_memory_seal import KmsMemorySeal
from duologue.domain.calls.call import NotifyTo
from duologue.domain.errors import ForeignMemory, OutsideUnavailable
from duologue.domain.media.audio import Audio, AudioListeners
from duologue.domain.memory.call_memory import CallMemory, MemoryTerms, OpenedMemory, RememberedParty, SetBy
from duologue.domain.numbers.phone_number import PhoneNumber
from tests.fakes.memories import FakeMemorySeal
from tests.samples import CALLEE, CALLER, NOW, SHOWN_TO_CALLEE, SHOWN_TO_CALLER

JACK, SOPHIA = RememberedParty(CALLER, "US"), RememberedParty(CALLEE, None)
PLAIN = MemoryTerms(timedelta(seconds=30), timedelta(minutes=1440))
_NAME = "n" * 124 + ".wav"
LONGEST = MemoryTerms(
    timedelta(seconds=120),
    timedelta(minutes=1439),
    announces_end=True,
    wants_recording=True,
    audio=Audio(last_minute=_NAME, last_minute_to=AudioListeners.CALLEE, recording_notice=_NAME),
    notify=NotifyTo("https://sp.example.com/" + "s" * 105, "https://sp.example.com/" + "f" * 105),
    user_data="\N{TELEPHONE RECEIVER}" * 256,
    wants_party_type=True,
    call_back_tone=_NAME,
)
"""Every field at its limit, and different from its default."""


def stored(draft) -> CallMemory:
    return CallMemory(
        draft.key,
        "sp-1",
        "app-1",
        "1_2_3_20261123090000",
        "order",
        1,
        SetBy.CALL,
        NOW,
        NOW + draft.period,
        draft.target,
        draft.sealed,
    )


class Kms:
    """Makes seals with the same key, as the processes of one stack have them, and counts their requests."""

    def __init__(self, client) -> None:
        self.client = client
        self.hash_key = client.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
        self.key = client.create_key()["KeyMetadata"]["KeyId"]
        self.requests: list[str] = []
        client.meta.events.register("before-call.kms", lambda model, **_: self.requests.append(model.name))

    def seal(self, number=1) -> KmsMemorySeal:
        return KmsMemorySeal(Seal(KmsDataKeys(self.client, self.hash_key), number), self.client)

    def older(self, draft, plain: bytes) -> CallMemory:
        """The memory of a draft with a value that KMS itself encrypted, as the release before did."""
        made = self.client.encrypt(KeyId=self.key, Plaintext=plain, EncryptionContext={"callMemory": draft.key.display})
        return replace(stored(draft), sealed=made["CiphertextBlob"])


@pytest.fixture
def kms(aws):
    return Kms(aws("kms"))


def test_what_follows_from_a_purpose_is_the_same_in_every_process(kms):
    one, another = (KmsDataKeys(kms.client, kms.hash_key) for _ in range(2))
    assert one.derived(b"calls") == another.derived(b"calls") != one.derived(b"memories")


def draft(seal, terms=PLAIN):
    return seal.draft(SHOWN_TO_CALLEE, SOPHIA, JACK, terms)


_FOREIGN = {
    "of another pair of the display number": lambda there, other: replace(there, key=replace(there.key, pair=other)),
    "of another display number": lambda there, other: replace(there, key=replace(there.key, display=other)),
    "not from here": lambda there, _: replace(there, sealed=b"not from here"),
}


class SealPromises:
    def test_a_proof_is_of_its_text_and_of_no_number(self, seal):
        key = seal.key(SHOWN_TO_CALLEE, CALLER)
        proof = seal.proof(CALLER.e164)
        assert proof == seal.proof(CALLER.e164) != seal.proof(CALLEE.e164)
        assert len(proof) == len(key.pair) == len(key.display)
        assert proof not in (seal.key(CALLER, CALLER).display, key.pair)

    @pytest.mark.parametrize("terms", [PLAIN, LONGEST], ids=["plain", "longest"])
    def test_one_value_opens_for_either_party(self, seal, terms):
        made = draft(seal, terms)
        there, back = stored(made), stored(made.mirrored())
        assert seal.open(there, SHOWN_TO_CALLEE, CALLEE) == OpenedMemory(SHOWN_TO_CALLEE, SOPHIA, JACK, terms)
        assert seal.open(back, SHOWN_TO_CALLEE, CALLER) == OpenedMemory(SHOWN_TO_CALLEE, JACK, SOPHIA, terms.mirrored())
        assert LONGEST.mirrored().audio.last_minute_to is AudioListeners.CALLER
        assert seal.open_listed(there) == seal.open(there, SHOWN_TO_CALLEE, CALLEE)
        assert seal.open_listed(back) == seal.open(back, SHOWN_TO_CALLEE, CALLER)

    def test_the_key_is_that_of_display_number_and_dialler(self, seal):
        made = draft(seal)
        assert made.key == seal.key(SHOWN_TO_CALLEE, CALLEE)
        assert made.target == seal.key(SHOWN_TO_CALLEE, CALLER).pair
        pairs = [(shown, party) for shown in (SHOWN_TO_CALLER, SHOWN_TO_CALLEE) for party in (CALLER, CALLEE)]
        assert len({seal.key(*pair).pair for pair in pairs}) == len(pairs)
        assert len({seal.key(*pair).display for pair in pairs}) == 2
        assert "2025550" not in f"{made.key} {made.target} {made.sealed!r}", "no number"

    @pytest.mark.parametrize("copied", _FOREIGN.values(), ids=_FOREIGN)
    def test_a_value_that_was_copied_to_another_row_does_not_open(self, seal, copied):
        there = stored(draft(seal))
        foreign = copied(there, seal.key(SHOWN_TO_CALLER, CALLEE).pair)
        for open_it in (lambda: seal.open(foreign, SHOWN_TO_CALLEE, CALLEE), lambda: seal.open_listed(foreign)):
            with pytest.raises(ForeignMemory):
                open_it()

    def test_a_memory_opens_for_its_own_pair_alone(self, seal):
        there = stored(draft(seal))
        for pair in (
            (SHOWN_TO_CALLER, CALLEE),
            (SHOWN_TO_CALLEE, CALLER),
            (SHOWN_TO_CALLEE, PhoneNumber("+12025550199")),
        ):
            with pytest.raises(ForeignMemory):
                seal.open(there, *pair)


class TestInMemory(SealPromises):
    @pytest.fixture
    def seal(self):
        return FakeMemorySeal()


class TestByKms(SealPromises):
    @pytest.fixture
    def seal(self, kms):
        return kms.seal()


def test_all_processes_have_the_same_hashes_and_another_stack_has_others(aws, kms):
    assert draft(kms.seal()).key == draft(kms.seal()).key != draft(Kms(aws("kms")).seal()).key


def test_the_key_service_is_asked_once_a_process_for_each_key(kms):
    seal = kms.seal()
    for _ in range(2):
        seal.open(stored(draft(seal)), SHOWN_TO_CALLEE, CALLEE)
    assert kms.requests == ["GenerateMac"] * 2, "of the hashes, and of the values"


def test_what_an_earlier_data_key_sealed_opens_after_the_number_was_raised(kms):
    there = stored(draft(kms.seal(1)))
    assert kms.seal(2).open(there, SHOWN_TO_CALLEE, CALLEE) == kms.seal(1).open(there, SHOWN_TO_CALLEE, CALLEE)
    newer = draft(kms.seal(2))
    assert newer.key == there.key, "the hashes stay"
    assert newer.sealed[:4] != there.sealed[:4]


def test_another_kms_key_opens_nothing(aws, kms):
    there = stored(draft(kms.seal()))
    with pytest.raises(ForeignMemory):
        Kms(aws("kms")).seal().open_listed(there)


_VALUE = {
    "display": SHOWN_TO_CALLEE.e164,
    "parties": [[CALLEE.e164, None], [CALLER.e164, "US"]],
    "ring_s": 30,
    "talk_s": 86400,
}


@pytest.mark.parametrize("added", [{}, {"added": "later"}], ids=["the release before", "a later one"])
def test_what_kms_encrypted_opens_and_what_a_later_version_adds_is_ignored(kms, added):
    seal = kms.seal()
    there = kms.older(draft(seal), json.dumps(_VALUE | added).encode())
    assert seal.open(there, SHOWN_TO_CALLEE, CALLEE) == seal.open(stored(draft(seal)), SHOWN_TO_CALLEE, CALLEE)
    with pytest.raises(ForeignMemory):
        seal.open_listed(replace(there, key=replace(there.key, display="other")))


@pytest.mark.parametrize("operation", ["generate_mac", "decrypt"])
@pytest.mark.parametrize("code", ["DisabledException", "AccessDeniedException", "ThrottlingException"])
def test_a_key_that_cannot_be_used_is_outside_unavailable(kms, operation, code):
    there = kms.older(draft(kms.seal()), json.dumps(_VALUE).encode())
    seal = kms.seal()
    ask = {
        "generate_mac": lambda: draft(seal),
        "decrypt": lambda: seal.open_listed(there),
    }
    with Stubber(kms.client) as stubbed, pytest.raises(OutsideUnavailable, match=code):
        stubbed.add_client_error(operation, code)
        ask[operation]()
