"""Many callbacks while everything fails that may fail on AWS, and what must be true of all of them in the end.

| Module | What |
| --- | --- |
| sp_process | an SP's server as a process of its own, which fails in several ways, can be killed and keeps a journal |
| mix | what the people and the SP of each callback do |
| calls | places and plays the callbacks, several at a time |
| kills | SIGKILL for processes of functions, of the SIP network and of the SP |
| settling | lets three days pass on the cloud's clock, until nothing waits any more |
| promises | what was promised, counted |
| run | all of it, on a lab of its own |
"""
