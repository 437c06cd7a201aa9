"""`duologue-pstn trunk check trunks.yaml`: what of a trunk works, step by step, and what to change.

| Module | What |
| --- | --- |
| command | the command line, and how steps are printed |
| steps | the steps: name, TCP or TLS, OPTIONS, registration, NAT, STUN |
| call | a call to a test number, and its sound both ways |
| connection | one connection to a host: requests and their responses, over UDP, TCP or TLS |
| digest | answers to a digest challenge |
"""
