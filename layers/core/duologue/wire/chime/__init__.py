"""The only home of SMA names: Amazon Chime SDK PSTN audio, SIP media applications, schema version 1.0.

`invocation.py` reads what the service sends, `answer.py` writes what it gets back. A network leg is "LEG-A" (the
caller) or "LEG-B" (the callee) only here.
Source of the shapes: the developer guide's pages on PSTN invocations and actions, and logged events.
"""
