"""Amazon Chime SDK PSTN Audio ("SMA") on one machine.

`engine` decides (pure), `exchange` drives it on a clock, `lines` are the phones, `api` speaks chime-sdk-voice over
HTTP, `service` bundles them. What is imitated, and the source of each behaviour: COVERAGE.md.
"""
