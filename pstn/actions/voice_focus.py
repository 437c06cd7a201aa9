"""VoiceFocus: noise suppression, which succeeds and changes nothing, since no line here has noise to suppress."""

from pstn.actions.base import ActionError, RunningAction


class VoiceFocus(RunningAction):
    """The newer page requires a CallId, the older one a CallId or a ParticipantTag."""

    def start(self) -> None:
        parameters = self.parameters
        if type(parameters.get("Enable")) is not bool or not (
            parameters.get("CallId") or parameters.get("ParticipantTag")
        ):
            raise ActionError("MissingRequiredActionParameter", "Missing required action parameter.")
        self.target_leg()
        self.call.done()
