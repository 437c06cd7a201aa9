"""The SP-facing format: the VoiceCall API as its clients use it.

Requests: `routes.py`, `credentials.py`, `requests.py` (with `fields.py`); responses: `results.py`.
Notifications: `notifications.py`, with `outcomes.py` for how a call ended and `digests.py` for the signature.
`session_id.py` is the call's id in both directions.
"""
