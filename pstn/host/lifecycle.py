"""An instance and its auto-scaling group: ready when its service is, terminated when its service has stopped by itself.

The group has two lifecycle hooks. `ready` holds a new instance back until its service answers; `drain` holds back the
termination. https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from subprocess import SubprocessError
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

READY, DRAIN = "ready", "drain"
TARGET = "autoscaling/target-lifecycle-state"
"""The state that the group is about to bring the instance into; None outside a group."""
POLL_S = 5.0
HEARTBEAT_S = 60.0
"""How often the group is asked for more time. The hook's own time-out must be longer."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """`is_ready`: the service takes work. `stop`: begin to stop it. `has_stopped`: it is over, whatever its result."""

    is_ready: Callable[[], bool]
    stop: Callable[[], None]
    has_stopped: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Group:
    """One instance in its auto-scaling group. `client`: of botocore, for `autoscaling`."""

    client: Any
    name: str
    instance: str

    def complete(self, hook: str) -> None:
        """Let the group go on. That it has gone on already, by time-out or after a restart of ours, is no error."""
        self._tell("complete_lifecycle_action", hook, LifecycleActionResult="CONTINUE")

    def ask_for_time(self, hook: str) -> None:
        self._tell("record_lifecycle_action_heartbeat", hook)

    def _tell(self, operation: str, hook: str, **more: str) -> None:
        try:
            getattr(self.client, operation)(
                LifecycleHookName=hook, AutoScalingGroupName=self.name, InstanceId=self.instance, **more
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            _log.info("%s of %s: %s", operation, hook, error)


def watch(
    group: Group,
    service: Service,
    target: Callable[[], str | None],
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Until the group terminates the instance and the service has stopped. `target`: what TARGET says now.

    A request that fails is logged and made again: a machine that gave up watching would be terminated with calls up.
    """
    ready = draining = False
    asked_at = clock()
    while True:
        try:
            if not draining and target() == "Terminated":
                _log.info("the group terminates this instance: the service stops")
                service.stop()
                draining = True
                group.ask_for_time(DRAIN)
                asked_at = clock()
            elif draining and service.has_stopped():
                group.complete(DRAIN)
                return
            elif draining and clock() - asked_at >= HEARTBEAT_S:
                group.ask_for_time(DRAIN)
                asked_at = clock()
            elif not ready and not draining and service.is_ready():
                group.complete(READY)
                ready = True
        except (OSError, SubprocessError, BotoCoreError, ClientError) as error:
            _log.warning("not done, and tried again: %s: %s", type(error).__name__, error)
        sleep(POLL_S)
