"""Where events go besides the screen: JSON lines and recordings."""
