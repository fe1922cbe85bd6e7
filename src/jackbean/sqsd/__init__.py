"""The daemon of a worker: a queue's messages become requests to the application beside it.

One thread and one selector: a request under way is a socket and a few hundred bytes, so that a
hundred of them cost nothing. Each connection serves one exchange; a broken one takes nobody else's
answer with it.
"""
