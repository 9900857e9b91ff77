"""One file a screen, its looks beside it."""
