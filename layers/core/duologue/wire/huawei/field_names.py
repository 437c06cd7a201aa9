"""What SPs call the parts of a request. Apart from the models of `requests`, which take time to load."""

from duologue.domain.callback_request import FieldNames

FIELDS = FieldNames(caller="callerNbr", callee="calleeNbr", status_url="statusUrl", fee_url="feeUrl")
