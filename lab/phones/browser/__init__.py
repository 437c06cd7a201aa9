"""The browser phone: a page that rings, with microphone and speaker, in front of an ordinary SIP phone.

    page ═WebSocket═ server ── switchboard ── endpoint ── media        one child process
                                                                (endpoint and media: pstn.lines.sip)

| Module | Where | What |
| --- | --- | --- |
| phone | parent | starts the child, and assigns it the numbers of the pages that are on |
| __main__ | child | starts the parts |
| server | child | the page's files and its WebSocket, for its own pages only |
| switchboard | child | which page has which number, and which call it is in |
| page | child | one open page: messages to it, and the audio of its call |
| static | browser | the page; `sound.js` runs on the browser's audio thread |

The WebSocket: text is JSON; binary is one frame of 20 ms, 160 samples of 16 bits, little-endian, at 8 kHz.

| From the page (`do`) | |
| --- | --- |
| on: number | the first message; from now on the number rings here, until the socket closes |
| dial: number, withhold | call it; `withhold`: as "anonymous", not with the page's own number |
| answer, hangup: call | hangup while it rings declines; the caller gets "busy", since the SIP library has 486 only |
| press: call, digit | sent as in RFC 4733 |

| To the page (`say`) | |
| --- | --- |
| on: number | the network knows the page: from now on the number rings here |
| rings: call, shown | an incoming call with this caller ID |
| calling: call, number | the dialled call is being set up |
| ringing: call | the far end rings |
| answered: call | audio in both directions |
| ended: call, code, by | `code`: SIP, if it was never answered; `by` "network": the far end vanished |
| refused: why | nothing was done |

The socket is closed with 4001 if another page takes over the number.
"""
