"""Amazon Chime SDK PSTN Audio ("SMA") on one machine, and over SIP trunks on several.

`engine` decides (pure code), `exchange` runs it on a clock, `lines` connect it to telephones, `api` and `wire`
implement chime-sdk-voice over HTTP, `service` puts them together, `node` serves them in production. COVERAGE.md lists
what is imitated and the source of each behaviour.
"""
