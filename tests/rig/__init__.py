"""A whole feed in virtual time: the local exchange, a network that misbehaves, the client, and an oracle.

`world.World` ties them together; `oracle.Oracle` looks at every frame. Commands: `python -m tests.rig.chaos`,
`python -m tests.rig.mutants`, `python -m tests.rig.fuzz` and `python -m tests.rig.soak`; each explains itself with --help.
"""
