"""What a person sees: the only part of the house that knows Textual."""
