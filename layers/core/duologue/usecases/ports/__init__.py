"""Ports of the use cases. Adapters implement them; tests use recording fakes.

Every method may raise `OutsideUnavailable`; docstrings name other errors.

    calls       one call and its changes · acceptance · open calls · histories
    flows       the state machine
    network     the carrier
    notifying   the queues, the SP's endpoints, the format of notifications
    recordings  the files, and the links to them
    accounts    SPs, apps, tokens, authentication attempts
    outside     the clock, the numbering plans, the line's numbers, the prompts' storage
"""
