"""What the service does, one use case a file, each in one transaction.

Synchronous: callers run these in bounded threads, off the event loop.
"""
