"""A realtime model made of three parts (ears, mind, mouth), served on the loopback.

`protocol`, `settings`, `items`, `hearing`, `reply` and `turns` speak the OpenAI Realtime dialect
and know no part; `ears`, `mind` and `mouth` are the parts and know no protocol; `parts` brings them
together.  `process` is the only module that the rest of the program needs.
"""
