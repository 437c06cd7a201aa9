"""A model of one call: the product's own functions, interleaved in every way with the state machine, the network, the
people, the SP, and a bounded number of faults.

    programs     the product's functions, on ports that stop them before each operation
    library      their histories: what each of them does next, computed once
    store        the calls store: each operation as the contract-tested fake answers it
    sent         the events that the network sends
    network      two legs, the events on their way, the actions that the network works off
    machine      the state machine, read from its ASL
    parts        a state of all this as one number, and its smallest changes
    invocations  functions go on, end, crash
    shortcuts    steps that may as well be made first
    world        all that can follow a state
    rules        what must hold
    explore      all states, breadth first, or random walks; the shortest story of a violation
    words        a story, for people

`make model` explores for minutes, test_model.py for seconds.

Not modelled: time (all moments are one, but for the sweeper's; a time-out comes when nothing else must happen, or early
as a fault), recordings, the last minute's other audio, and what is told to the SP.
"""
