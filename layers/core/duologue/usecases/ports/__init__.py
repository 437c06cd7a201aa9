"""What the use cases need from outside, as roles. Adapters play them; tests play them with fakes that record.

Every method may raise `OutsideUnavailable`; what else it raises is said with it.

    calls       one call and its changes · accepting calls · open calls · what is recorded of a call
    flows       the state machine
    network     the carrier
    notifying   the queues, the SP's endpoints, the wire's side of a notification
    recordings  the files, and the links to them
    accounts    SPs, apps, tokens, proofs
    outside     the clock, the numbering plans, the prompts' storage
"""
