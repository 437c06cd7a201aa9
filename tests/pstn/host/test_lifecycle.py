"""An instance tells its auto-scaling group when it is ready, and is not terminated before its service has stopped."""

from collections.abc import Callable
from itertools import pairwise

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from pstn.host.lifecycle import DRAIN, HEARTBEAT_S, POLL_S, READY, Group, Service, watch

_OF = {"AutoScalingGroupName": "duologue-nodes", "InstanceId": "i-0123456789abcdef0"}
COMPLETE, MORE_TIME = "complete_lifecycle_action", "record_lifecycle_action_heartbeat"


class Machine:
    """One instance on a clock of its own. `ready_at`, `told_at`, `drain`: seconds; the service drains for `drain`."""

    def __init__(self, *, ready_at: float = 0, told_at: float = 60, drain: float = 0, failing: int = 0) -> None:
        self.now, self.said = 0.0, list[tuple[float, str]]()
        self.ready_at, self.told_at, self.drain, self.failing = ready_at, told_at, drain, failing
        self.stopped_at: float | None = None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        assert self.now < 1e5, "it watches for ever"

    def target(self) -> str | None:
        if self.failing:
            self.failing -= 1
            raise OSError("the metadata service does not answer")
        return "Terminated" if self.now >= self.told_at else "InService"

    def stop(self) -> None:
        assert self.stopped_at is None, "asked to stop twice"
        self.stopped_at = self.now
        self.said.append((self.now, "stop"))

    def has_stopped(self) -> bool:
        return self.stopped_at is not None and self.now >= self.stopped_at + self.drain

    def watch(self, answer: Callable[[str, str], None] = lambda operation, hook: None) -> None:
        machine = self

        class Client:
            def __getattr__(self, operation: str) -> Callable[..., None]:
                def called(**given: str) -> None:
                    assert {name: given[name] for name in _OF} == _OF
                    hook = given["LifecycleHookName"]
                    answer(operation, hook)
                    machine.said.append((machine.now, f"{operation} {hook}"))

                return called

        group = Group(Client(), _OF["AutoScalingGroupName"], _OF["InstanceId"])
        service = Service(lambda: self.now >= self.ready_at, self.stop, self.has_stopped)
        watch(group, service, self.target, self.sleep, lambda: self.now)

    @property
    def words(self) -> list[str]:
        return [what for _, what in self.said]


def test_it_is_held_back_until_it_is_ready_and_terminated_when_it_is_drained():
    machine = Machine(ready_at=20, told_at=60, drain=150)
    machine.watch()
    assert machine.words == [
        f"{COMPLETE} {READY}",
        "stop",
        f"{MORE_TIME} {DRAIN}",
        f"{MORE_TIME} {DRAIN}",
        f"{MORE_TIME} {DRAIN}",
        f"{COMPLETE} {DRAIN}",
    ]
    times = [at for at, _ in machine.said]
    assert times[0] == 20 and times[1] == 60
    assert [later - earlier for earlier, later in pairwise(times[2:5])] == [HEARTBEAT_S] * 2
    assert 60 + 150 <= times[-1] <= 60 + 150 + POLL_S


def test_one_that_is_terminated_before_it_was_ready_is_let_go():
    machine = Machine(ready_at=1e9, told_at=10)
    machine.watch()
    assert machine.words == ["stop", f"{MORE_TIME} {DRAIN}", f"{COMPLETE} {DRAIN}"]


def test_a_failure_is_tried_again():
    """Of the metadata service and of the group's: nobody else lets the instance go before the hook's time-out."""
    machine, failures = Machine(told_at=30, failing=3), [0]

    def answer(operation: str, hook: str) -> None:
        failures[0] += 1
        if failures[0] % 2:
            raise ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}, operation)

    machine.watch(answer)
    assert machine.words.count("stop") == 1
    assert machine.words[-1] == f"{COMPLETE} {DRAIN}"


@pytest.mark.parametrize(("code", "is_raised"), [("ValidationError", False), ("AccessDenied", True)])
def test_that_the_group_has_gone_on_is_no_error(code: str, is_raised: bool):
    """Stubber checks the parameters by AWS's model."""
    client = botocore.session.get_session().create_client("autoscaling", region_name="us-east-1")
    group = Group(client, _OF["AutoScalingGroupName"], _OF["InstanceId"])
    with Stubber(client) as stubber:
        expected = {**_OF, "LifecycleHookName": READY, "LifecycleActionResult": "CONTINUE"}
        stubber.add_client_error(COMPLETE, code, "No active Lifecycle Action found", expected_params=expected)
        if is_raised:
            with pytest.raises(ClientError):
                group.complete(READY)
        else:
            group.complete(READY)
        stubber.add_response(MORE_TIME, {}, {**_OF, "LifecycleHookName": DRAIN})
        group.ask_for_time(DRAIN)
        stubber.assert_no_pending_responses()
