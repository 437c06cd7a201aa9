"""Telephones that this lab brings: they ring, answer, sound and hang up as a script on the line says.

| Module | What |
| --- | --- |
| voices | the tone that each number sounds |
| fleet | the built-in phones as the line moves them, in a child process |
| station | that child process: SIP phones, and beside them |
| refuser | a SIP address that never answers: it rings, and refuses with any code |
"""
