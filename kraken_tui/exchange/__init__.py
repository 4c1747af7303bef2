"""A local Kraken: the --demo market and the server of the tests. Shares no code with the client."""
