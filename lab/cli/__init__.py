"""The commands of `python -m lab`: `demo`, `story`, `stories`, `up`, `site` and `cruel`, and what they print.

| Module | What |
| --- | --- |
| demo, story, stories, up, site, cruel | one command each |
| line_choice | which kind of telephones a command uses: SIP, or scripts only |
| timeline, multi_call_view | a call as it happens; several at once |
| wording | the text for each step |
| env_file, curl_commands | an SP's account and requests, for a second terminal |
| signals | SIGTERM and SIGINT |
"""
