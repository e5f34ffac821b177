"""The Durable SDK, as the app sees it: the only room that knows there is one, and which.

What the releases 1.x and 2.x do differently is told apart here and nowhere else: `sdk1` and `sdk2`
have the same functions, and the modules beside them give those of the SDK that is installed. They
are functions over the SDK's own objects: nothing is wrapped, so 1.x is used as it was before.
"""
