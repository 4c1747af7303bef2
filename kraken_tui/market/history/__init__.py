"""What a market was: a bounded past per pair, from which any moment of it can be rebuilt. Pure; times are passed in."""
