"""Telephones over SIP: those that this lab brings ring, answer, sound and hang up as a script on the line says.

| Module | What |
| --- | --- |
| voices | the tone that each number sounds |
| fleet | the built-in phones as the line moves them, in a child process |
| station | that child process: SIP phones, and beside them a refuser (`lab.sip.refuser`) |

And one that a person answers: `browser`, a page with microphone and speaker. Others register (`lab.sip.registrar`).
"""
