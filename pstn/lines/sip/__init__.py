"""Real SIP and RTP for the exchange, all of it on 127.0.0.1. `pstn.lines.trunk` uses its stations for real trunks.

    exchange ── line ── station ═pipe═ endpoint ── media     the telephone network
                  ├──── scripted phones ═pipe═ endpoint      phones controlled by scripts; injected into the line
                  └──── directory                            external telephones: a file of SIP addresses

| Module | Where | What |
| --- | --- | --- |
| line | parent | implements the exchange's line; scripts; the call log of each phone |
| station | parent | the legs that one process carries; it knows nothing of scripts or phones |
| child | parent | a supervised process that speaks JSON lines |
| directory | parent | which number is an external telephone or a browser page, and its SIP address |
| prompt_files, audio, speech | parent | WAV files and texts as telephone audio |
| recording_files | parent | the recordings that the endpoint writes |
| scripted_phones | parent | the interface of the phones that scripts control |
| settings | parent | the options, and whether this machine can run such a line |
| channel, commands, hang_up_queue, endpoint | child | commands in, calls over SIP (baresip), events out |
| agents | child | the library's user agents, by caller ID and trunk |
| os_limits | child | process priority and file descriptors |
| socket_binding | child | binds the library's RTP sockets to loopback, or to the interface of the trunks |
| media | child | the 20 ms thread: prompts, bridges, recordings |
"""
