"""What one callback costs, counted and timed on the laptop in one run: `make bench`.

`callbacks` plays the happy path on a lab and counts; `meter` looks at what reaches the lab's AWS endpoint, `units`
knows what DynamoDB charges for it, `invocations` reads the functions' logs, `cost` makes a bill of it;
`cold_starts` starts each function as Lambda would, beside `bare/handler.py`; `place` times the placing itself; `report`
prints it as tables. Counts and ratios are the result: seconds belong to the machine that ran them.

`compare` plays the same callback here and on another commit, over SIP: `make bench BASE=<git ref>`.
"""
