"""A whole feed in virtual time: the local exchange, a network that misbehaves, the client, and an oracle.

`world.World` ties them together; `oracle.Oracle` looks at every frame. Commands, each
explained by its --help: `python -m tests.rig.chaos`, `tests.rig.mutants`,
`tests.rig.mutation`, `tests.rig.fuzz` and `tests.rig.soak`.
"""
