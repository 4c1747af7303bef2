"""The private connections: level 3 and the account. They fail by themselves, and never take the public feed along."""
