"""Full pages and dialogs, one a file."""
