"""A whole feed in virtual time: the local exchange, a network that misbehaves, the client, and an oracle.

`world.World` ties them together; `oracle.Oracle` looks at every frame. The commands, each explained by its --help and
with its last figures in docs/FIGURES.md: `python -m tests.rig.chaos`, `painted`, `sleeps`, `neighbours`, `fuzz`,
`mutants`, `mutation`, `soak`, `burst`, `screen_soak`, `kills`, `stalled`, `hashes`, `until_fault` and `wheel`.
"""
