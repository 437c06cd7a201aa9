"""The browser phone: a page that rings, with microphone and speaker; behind it a SIP phone like any other.

    page ═WebSocket═ server ── board ── station ── media        one child process
                                                                (station and media: pstn.lines.sip)

| Module | Where | What |
| --- | --- | --- |
| phone | parent | starts the child, and lends it the numbers of the pages that are on |
| __main__ | child | puts the parts together |
| server | child | the page's files and its WebSocket, for pages of its own only |
| board | child | which page has which number, and which call it is in |
| page | child | one open page: what it is told, and the sound of its call |
| static | browser | the page; `sound.js` runs on the browser's audio thread |

The WebSocket: text is JSON; binary is one frame of 20 ms, 160 samples of 16 bits, little-endian, at 8 kHz.

| The page says (`do`) | |
| --- | --- |
| on: number | first; the number rings here from now on, until the socket closes |
| dial: number | call it |
| answer, hangup: call | hangup declines what rings, and then the caller is told "busy": the SIP library has 486 only |
| press: call, digit | as RFC 4733 says |

| The page is told (`say`) | |
| --- | --- |
| on: number | the network knows: from now on it rings here |
| rings: call, shown | somebody calls, whose phone number is shown as this |
| calling: call, number | what it dialled is on its way |
| ringing: call | the far end rings |
| answered: call | sound goes both ways |
| ended: call, code, by | SIP's code if it was never answered; by "network": the far end vanished |
| refused: why | nothing was done |

A socket is closed with 4001 if another page took the number.
"""
