"""The format's names of request fields. Separate from the models in `requests`, which are slow to import."""

from duologue.domain.calls.callback_request import FieldNames

FIELDS = FieldNames(
    caller="callerNbr", callee="calleeNbr", status_url="statusUrl", fee_url="feeUrl", display="displayNbr"
)
