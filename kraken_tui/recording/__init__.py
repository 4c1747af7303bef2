"""Recordings: `format` (lines) and `chunks` (file layout) are shared by `reader`, `writer`, `replay`, `fingerprint`."""
