"""Convert a finished recording and store it where its SP fetches it."""

import logging
from typing import Any

from aws_lambda_powertools.utilities.data_classes.s3_event import S3EventBridgeNotificationEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from duologue.runtime.given_back import given_back
from duologue.runtime.logging import set_up
from duologue.runtime.wiring.publish_recording import Dependencies, dependencies
from duologue.usecases.media.publish_recording import publish_recording

_log = logging.getLogger(__name__)


def answer(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    """Process one file of the network. After an exception its message comes again."""
    if "Records" not in event:  # by the release before, which EventBridge invoked without a queue
        return _publish(event, dependencies)
    [sent] = event["Records"]
    record = SQSRecord(sent)
    with given_back(record, dependencies.give_back):
        return _publish(record.json_body, dependencies)


def _publish(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    key = S3EventBridgeNotificationEvent(event).detail.object.key
    became = publish_recording(key, calls=dependencies.calls, publisher=dependencies.publisher)
    _log.info("recording: %s", became.value, extra={"key": key})
    return {"became": became.value}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    set_up(context)
    return answer(event, dependencies())
