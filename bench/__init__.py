"""What one callback costs, counted and timed on the laptop in one run: `make bench`.

`callbacks` plays the happy path on a lab and counts; `tally` looks at what reaches the lab's DynamoDB; `cold_starts`
starts each function as Lambda would, beside `bare/handler.py`; `place` times the placing itself; `report` says it as a
table. Counts and ratios are the result: seconds belong to the machine that ran them.
"""
