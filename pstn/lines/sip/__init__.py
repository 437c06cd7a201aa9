"""Real SIP and RTP under the exchange, all of it on 127.0.0.1.

    exchange ── line ── child ═pipe═ station ── media        the telephone network
                  ├──── scripted phones ═pipe═ station       phones that a script moves; the line is handed them
                  └──── numbers                              telephones outside: a file of SIP addresses

| Module | Where | What |
| --- | --- | --- |
| line | parent | what the exchange asks and is told; scripts; what each phone remembers |
| child | parent | a supervised process that speaks JSON lines |
| numbers | parent | which number is a telephone outside or in a page, and its SIP address |
| prompts, sounds, speech | parent | WAV files and texts as telephone sound |
| tapes | parent | the recordings that the station leaves |
| scripted_phones | parent | what the line asks of the phones that a script moves |
| settings | parent | what can be chosen, and whether this machine can have such a line |
| channel, orders, hangups, station | child | commands in, calls on the wire (baresip), events out |
| process | child | what it asks of the machine |
| media | child | the 20 ms thread: prompts, bridges, recordings |
"""
