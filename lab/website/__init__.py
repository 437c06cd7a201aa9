"""An SP's website: an ordinary client of the platform, written from its published API alone.

| Module | What |
| --- | --- |
| server | HTTP: pages, forms, event streams, notifications |
| backend | places and stops calls, receives notifications, fetches recordings |
| call_log | what is known of each call |
| pages, live, chart, cdr_table | HTML |
| texts, numbers | codes in words; telephone numbers |
| scenarios | the businesses, as data |
"""
