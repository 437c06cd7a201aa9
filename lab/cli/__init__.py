"""The commands of `python -m lab`: `demo`, `story`, `up` and `site`, and what they print.

| Module | What |
| --- | --- |
| demo, story, up, site | one command each |
| telephones | which telephones a command plays with |
| timeline, wall | a call as it happens; several at once |
| wording | the words for each step |
| requests | the same requests as `curl` commands |
| signals | SIGTERM and SIGINT |
"""
