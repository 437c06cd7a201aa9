"""An SP's server: its client of the platform's API, and the receiver of its notifications.

| Module | What |
| --- | --- |
| client | requests, signed as the document says |
| standing | a client that stays logged in |
| receiver | takes notifications, with their signatures checked |
| sounds | opens the link of a recording |
| account, sp | opens an account by the operator's command; an SP ready to call |
"""
