"""Two checkouts beside each other, over real SIP: `make bench BASE=<git ref>`.

`checkouts` gets the base and starts a laboratory of each; `phones` are the telephones of both, `sp` is their SP;
`__main__` plays callbacks on both in turn, and `report` prints the figures. Only what a laboratory's documents promise
is used: its command line, the files below its state directory, its HTTP API and the operator's command. So any two
versions can be compared. Linux only, since CPU and memory are read from /proc.
"""
