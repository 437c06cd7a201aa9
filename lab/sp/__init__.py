"""An SP's server: its client of the platform's API, and the receiver of its notifications.

| Module | What |
| --- | --- |
| client | requests, signed as the document says |
| session | a client that stays logged in |
| receiver | receives notifications and checks their signatures |
| recordings | downloads a recording by its link |
| account | opens an account with the operator's command |
| service_provider | all of it: an SP that is ready to place calls |
"""
