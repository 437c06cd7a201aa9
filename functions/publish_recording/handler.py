"""Convert a finished recording and store it where its SP fetches it."""

import logging
from typing import Any

from aws_lambda_powertools.utilities.data_classes.s3_event import S3EventBridgeNotificationEvent

from duologue.runtime.logging import set_up
from duologue.runtime.wiring.publish_recording import Dependencies, dependencies
from duologue.usecases.publish_recording import publish_recording

_log = logging.getLogger(__name__)


def answer(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    """Process one file of the network. After an exception the event is retried."""
    key = S3EventBridgeNotificationEvent(event).detail.object.key
    became = publish_recording(key, calls=dependencies.calls, publisher=dependencies.publisher)
    _log.info("recording: %s", became.value, extra={"key": key})
    return {"became": became.value}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up(context)
    return answer(event, dependencies())
