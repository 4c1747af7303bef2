"""What the frames mean. Pure and synchronous: no sockets, no clock, no event loop."""
