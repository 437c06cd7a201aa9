"""Telephones over SIP: built-in ones that ring, answer, send audio and hang up as a script says.

| Module | What |
| --- | --- |
| voices | the tone that each number sounds |
| scripted | the built-in phones, which the SIP line controls, in a child process |
| process | that child process: a SIP endpoint and a refuser (`lab.sip.refuser`) |

And one for people: `browser`, a page with microphone and speaker. Softphones register (`lab.sip.registrar`).
"""
