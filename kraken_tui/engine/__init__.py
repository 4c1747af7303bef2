"""The background worker: its own thread and event loop, owner of the feed and of every market."""
