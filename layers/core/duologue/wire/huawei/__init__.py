"""The only home of SP-facing foreign names: the wire format of the VoiceCall API, as its clients speak it.

An SP asks: `routes.py`, `credentials.py` and `requests.py` (with `fields.py`) read, `results.py` answers.
An SP is told: `notifications.py` writes, with `outcomes.py` for how a call ended and `digests.py` for the signature.
`session_id.py` is the call's id on both ways.
"""
