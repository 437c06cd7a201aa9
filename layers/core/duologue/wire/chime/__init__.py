"""The format of SIP media applications (SMA): Amazon Chime SDK PSTN audio, schema version 1.0.

`invocation.py` parses the service's events, `answer.py` writes the responses. Only here is a leg "LEG-A" (the caller)
or "LEG-B" (the callee).
Source: the developer guide's pages on PSTN invocations and actions, and logged events.
"""
