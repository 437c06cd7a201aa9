"""An SP's website: an ordinary client of the platform, written from its published API alone.

| Module | What |
| --- | --- |
| server | HTTP: pages, forms, event streams, notifications |
| backend | places and stops calls, receives notifications, fetches recordings |
| call_log | what is known of each call |
| pages, templates | HTML of whole pages |
| live, chart, cdr_table, barcode | HTML of their parts |
| texts, numbers | codes in words; telephone numbers |
| scenarios | the businesses, as data |
"""
