"""The network of the model: two legs, the events on their way, and the actions that it works off.

What a list of actions means is mostly documented (Amazon Chime SDK developer guide, PSTN audio): it is worked off in
order; an action that fails drops the rest, and is told; a new list takes the place of what has not begun; a prompt in
progress gives way only to what is answered to a request of the platform's; an empty list changes nothing. Events are
processed in any order. One that is processed twice is answered once, by the first answer to come.
"""

from typing import Any, NamedTuple

from duologue.call_control.actions import Action, DialAndBridge, HangUp, PlayPrompt
from duologue.call_control.prompts import Prompt, PromptAudio
from duologue.domain.calls.outcome import Party
from duologue.domain.errors import (
    DialRefused,
    DialUncertain,
    NoSuchNetworkCall,
    NothingWasDialled,
    OutsideUnavailable,
)
from tests.model.how import How
from tests.model.programs import Raised
from tests.model.sent import BY_REQUEST, LEG_IDS, TELL_WHO_IS_UP, UNANSWERABLE, Sent

PROMPT_IS_CUT = "the prompt that tells the caller why is cut off"
_PARTING = {Prompt.CALLEE_UNAVAILABLE, Prompt.CALLEE_BUSY, Prompt.CALLEE_NO_ANSWER}
IDLE, RINGING, UP, ENDED, CALLING_IN = range(5)
"""Of a leg. `CALLING_IN`: this person called, and hears ringing."""


class Network(NamedTuple):
    """`sent`: on their way. `processing`: being processed now. `answered`: of these, the ones that have their answer.

    `actions`: the first is in progress. `may_have_left`: a dial of the caller. `is_full`: it has no room for a dial.
    """

    caller: int = IDLE
    callee: int = IDLE
    caller_rang: bool = False
    callee_rang: bool = False
    actions: tuple[Action, ...] = ()
    sent: tuple[Sent, ...] = ()
    processing: tuple[Sent, ...] = ()
    answered: tuple[Sent, ...] = ()
    may_have_left: bool = False
    is_full: bool = False

    @property
    def knows_the_call(self) -> bool:
        return self.caller in (RINGING, UP, CALLING_IN) or self.callee in (RINGING, UP)

    @property
    def can_act(self) -> bool:
        """A request or an answer may still have an effect."""
        return not (self.caller == ENDED and self.callee in (IDLE, ENDED))

    @property
    def connected(self) -> tuple[Party, ...]:
        legs = {Party.CALLER: self.caller, Party.CALLEE: self.callee}
        return tuple(party for party, leg in legs.items() if leg == UP)

    @property
    def prompt(self) -> PromptAudio | None:
        """What is heard now."""
        return self.actions[0].prompt if self.actions and isinstance(self.actions[0], PlayPrompt) else None

    @property
    def awaits_answer(self) -> bool:
        """The answer to the inbound call is on its way: the first of `actions` is not in progress yet."""
        return self.caller == CALLING_IN and bool(self.actions) and self.callee == IDLE

    @property
    def is_quiet(self) -> bool:
        """Nothing of it must come before a time-out."""
        rings = RINGING in (self.caller, self.callee)
        return not self.sent and not rings and self.prompt is None and not self.awaits_answer


class Options(NamedTuple):
    """What of the network varies.

    `rings`: it tells that a phone rings. `callee_leg`: that the callee does not come is told by the end of its leg,
    otherwise by the bridge. `is_told`: it is told its actions; otherwise it takes them as the answer to its event.
    """

    rings: bool = False
    callee_leg: bool = False
    is_told: bool = False


class Step(NamedTuple):
    """What may happen next."""

    title: str
    how: How
    network: Network


class Reply(NamedTuple):
    """What the network may say to a request. `wrong`: a rule that the request breaks."""

    result: Any
    how: How
    network: Network
    wrong: str | None = None


# ---- people, and what the network does by itself


def steps(net: Network, options: Options) -> list[Step]:
    found: list[Step] = []
    if net.caller == RINGING:
        found += _caller_rings(net, options)
    if net.awaits_answer:
        dropped = send(net._replace(caller=ENDED, actions=()), "caller rejected")
        found.append(Step("the answer to the inbound call arrives", How.MUST, _work_off(net)))
        found.append(Step("the answer to the inbound call never arrives", How.LOST_EVENT, dropped))
    if net.caller in (UP, CALLING_IN):
        nobody_comes = net.caller == CALLING_IN and net.callee != RINGING
        left = _gone(net, Party.CALLER)._replace(actions=())
        found.append(Step("the caller hangs up", How.MUST if nobody_comes else How.MAY, left))
    if net.callee == RINGING:
        found += _callee_rings(net, options)
    if net.callee == UP:
        found.append(Step("the callee hangs up", How.MAY, _gone(net, Party.CALLEE)))
    if net.prompt is not None:
        ended, refused = net._replace(actions=net.actions[1:]), send(net._replace(actions=()), "prompt refused")
        ended = _work_off(ended) if ended.actions else send(ended, "prompt played")
        found.append(Step(f"the prompt {net.prompt} ends", How.MUST, ended))
        found.append(Step(f"the prompt {net.prompt} cannot be played", How.REFUSAL, refused))
    if net.is_full:
        found.append(Step("the network has room again", How.MAY, net._replace(is_full=False)))
    return found


def _caller_rings(net: Network, options: Options) -> list[Step]:
    answers = send(net._replace(caller=UP, caller_rang=False), "caller answered")
    ends = send(net._replace(caller=ENDED, caller_rang=False), "caller not reached")
    found = [Step("the caller answers", How.MAY, answers), Step("the caller does not answer", How.MUST, ends)]
    if options.rings and not net.caller_rang:
        rings = send(net._replace(caller_rang=True), "caller rings")
        found.append(Step("the caller's phone rings", How.MAY, rings))
    return found


def _callee_rings(net: Network, options: Options) -> list[Step]:
    """An inbound caller is answered with the callee."""
    joined = net._replace(callee=UP, caller=UP, callee_rang=False, actions=net.actions[1:])
    ended = net._replace(callee=ENDED, callee_rang=False, actions=())
    found = [
        Step("the callee answers", How.MAY, _work_off(send(joined, "callee answered"))),
        Step(
            "the callee does not come", How.MUST, send(ended, "callee busy" if options.callee_leg else "bridge failed")
        ),
    ]
    if options.rings and not net.callee_rang:
        rings = send(net._replace(callee_rang=True), "callee rings")
        found.append(Step("the callee's phone rings", How.MAY, rings))
    if not net.callee_rang:
        undialled = net._replace(callee=IDLE, actions=())
        kinds = ["bridge refused", "no room for the bridge"]
        if net.caller == UP:  # a caller who is not answered hears no ringback of ours
            kinds.append("ringback unplayable")
        found += [Step(f"the network says: {kind}", How.REFUSAL, send(undialled, kind)) for kind in kinds]
    return found


# ---- events: sent, processed, answered


def send(net: Network, kind: str) -> Network:
    """One event more on its way, with a number that no other of its kind has."""
    taken = {each.number for each in (*net.sent, *net.processing) if each.kind == kind}
    number = min(set(range(len(taken) + 1)) - taken)
    sent = Sent(kind, number, net.connected if kind in TELL_WHO_IS_UP else ())
    return net._replace(sent=_with(net.sent, sent))


def process(net: Network, sent: Sent, *, repeat: bool = False) -> Network:
    """Its processing begins. `repeat`: it is on its way once more all the same."""
    return net._replace(sent=net.sent if repeat else _without(net.sent, sent), processing=_with(net.processing, sent))


def lose(net: Network, sent: Sent) -> Network:
    return net._replace(sent=_without(net.sent, sent))


def fail(net: Network, sent: Sent) -> Network:
    """Its processing failed: it is sent again."""
    return net._replace(sent=_with(net.sent, sent), processing=_without(net.processing, sent))


def may_come_again(net: Network, sent: Sent) -> bool:
    return sent in net.sent or sent in net.processing


def is_alone(net: Network, sent: Sent) -> bool:
    """This event is being processed, and not a second time, now or later."""
    return net.processing.count(sent) == 1 and sent not in net.sent


def answer(net: Network, sent: Sent, actions: tuple[Action, ...] | None) -> tuple[Network, str | None]:
    """Its processing ended, and these actions are the answer. Also: the rule that they break.

    None: it was told its actions before (`carry_out`).
    """
    net = net._replace(processing=_without(net.processing, sent))
    is_first, again = sent not in net.answered, may_come_again(net, sent)
    if is_first and again and actions is not None:
        net = net._replace(answered=_with(net.answered, sent))
    elif not is_first and not again:
        net = net._replace(answered=_without(net.answered, sent))
    return _take(net, sent, actions) if is_first and actions is not None else (net, None)


def carry_out(net: Network, sent: Sent, actions: tuple[Action, ...]) -> list[Reply]:
    """It is told the actions of an event, and does nothing twice."""
    told, wrong = net, None
    if actions and sent not in net.answered:
        told, wrong = _take(net._replace(answered=_with(net.answered, sent)), sent, actions)
    lost = Raised(OutsideUnavailable)
    return [
        Reply(None, How.MUST, told, wrong),
        Reply(lost, How.UNSURE, told, wrong),
        Reply(lost, How.UNSURE, net),
    ]


def _take(net: Network, sent: Sent, actions: tuple[Action, ...]) -> tuple[Network, str | None]:
    """Actions for an event. Also: the rule that they break."""
    somebody_is_there = net.caller in (UP, CALLING_IN) or net.callee == UP
    if not actions or sent.kind in UNANSWERABLE or not somebody_is_there:
        return net, None
    dials = any(isinstance(action, DialAndBridge) for action in actions)
    wrong = "the callee is dialled twice (R5)" if dials and net.callee != IDLE else None
    gives_way = net.prompt is not None and sent.kind in BY_REQUEST
    if gives_way and net.prompt in _PARTING and sent.kind == "end asked":
        wrong = PROMPT_IS_CUT
    if net.actions and not gives_way:
        return net._replace(actions=(net.actions[0], *actions)), wrong
    return _work_off(net._replace(actions=actions)), wrong


def _work_off(net: Network) -> Network:
    """Begin the first action, and the next one if it is done at once."""
    while net.actions:
        match net.actions[0]:
            case PlayPrompt(party=Party.CALLER) if net.caller == CALLING_IN:
                return net._replace(caller=UP)
            case PlayPrompt(party=party):
                return net if party in net.connected else send(net._replace(actions=()), "prompt refused")
            case HangUp(party=party, leg_id=leg_id):
                is_unanswered = party is Party.CALLER and net.caller == CALLING_IN
                if not (party in net.connected or is_unanswered) or leg_id != LEG_IDS[party]:
                    return send(net._replace(actions=()), "hang-up refused")
                net = _gone(net, party, "caller rejected" if is_unanswered else None)
                net = net._replace(actions=net.actions[1:])
            case DialAndBridge() if net.caller in (UP, CALLING_IN):
                return net._replace(callee=RINGING)
            case _:
                net = net._replace(actions=net.actions[1:])
    return net


def _gone(net: Network, party: Party, kind: str | None = None) -> Network:
    """A leg ends. Its peer stays up (R9), but a callee that rings is cancelled when the caller goes."""
    if party is Party.CALLEE:
        return send(net._replace(callee=ENDED), "callee ended")
    if net.callee == RINGING:
        net = net._replace(callee=ENDED, callee_rang=False, actions=())
    return send(net._replace(caller=ENDED), kind or "caller ended")


# ---- requests


def request(net: Network, name: str) -> list[Reply]:
    match name:
        case "dial_caller":
            return _dial_caller(net)
        case "dial_callee":
            return _update(net, "dial callee asked")
        case "say_last_minute":
            return _update(net, "last minute asked")
        case _:
            return _end(net)


def _dial_caller(net: Network) -> list[Reply]:
    wrong = "the caller is dialled again, and the first dial may have left (R5)" if net.may_have_left else None
    no_room = Raised(NothingWasDialled)
    if net.is_full:
        return [Reply(no_room, How.MUST, net, wrong)]
    lost = net._replace(may_have_left=True)
    left = send(lost._replace(caller=RINGING), "dial accepted")
    return [
        Reply(None, How.MUST, left, wrong),
        Reply(no_room, How.REFUSAL, net._replace(is_full=True), wrong),
        Reply(Raised(DialRefused), How.REFUSAL, net, wrong),
        Reply(Raised(DialUncertain), How.UNSURE, left, wrong),
        Reply(Raised(DialUncertain), How.UNSURE, lost, wrong),
    ]


def _update(net: Network, kind: str) -> list[Reply]:
    if not net.knows_the_call:
        return [Reply(Raised(NoSuchNetworkCall), How.MUST, net)]
    return [
        Reply(None, How.MUST, send(net, kind)),
        Reply(Raised(NothingWasDialled), How.REFUSAL, net),
        Reply(Raised(OutsideUnavailable), How.UNSURE, send(net, kind)),
        Reply(Raised(OutsideUnavailable), How.UNSURE, net),
    ]


def _end(net: Network) -> list[Reply]:
    if not net.knows_the_call:
        return [Reply(False, How.MUST, net)]
    return [
        Reply(True, How.MUST, send(net, "end asked")),
        Reply(Raised(OutsideUnavailable), How.UNSURE, send(net, "end asked")),
        Reply(Raised(OutsideUnavailable), How.UNSURE, net),
    ]


def _with(events: tuple[Sent, ...], sent: Sent) -> tuple[Sent, ...]:
    return tuple(sorted((*events, sent), key=lambda each: (each.kind, each.number)))


def _without(events: tuple[Sent, ...], sent: Sent) -> tuple[Sent, ...]:
    place = events.index(sent)
    return events[:place] + events[place + 1 :]
