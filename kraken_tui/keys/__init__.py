"""API keys: where they are kept, which one is used, and what it may do (docs/ACCOUNT.md)."""
