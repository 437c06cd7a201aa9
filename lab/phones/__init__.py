"""Telephones: those that this lab brings ring, answer, sound and hang up as a script on the line says; others register.

| Module | What |
| --- | --- |
| voices | the tone that each number sounds |
| fleet | the built-in phones as the line moves them, in a child process |
| station | that child process: SIP phones, and beside them |
| refuser | a SIP address that never answers: it rings, and refuses with any code |
| registrar | where ordinary softphones register: a line of the numbers file for each, and a way for their calls |
| registrar_on_udp | its port and its clock, on a thread of `make up` |
| sip_messages, sip_forwarding | their messages, read and written; how a request goes on and its responses return |

And one that a person answers: `browser`, a page with microphone and speaker.
"""
