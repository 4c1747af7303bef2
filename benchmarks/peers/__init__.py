"""Other clients on the same stream, each in a process of its own.

`harness` starts the processes and reads what they found, `install` makes the environment the other projects live in,
`driver` is what the `run_*.py` scripts share. The scripts run under another interpreter, so they and `driver` use
nothing but the standard library and the client they drive. Only public packages are installed, none is kept here.
"""
