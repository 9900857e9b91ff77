"""Text that others wrote, made safe to draw."""


def plain(text: str) -> str:
    """The text on one line, with a mark where a character would move the cursor or cannot be seen.

    Names of data sets, classes and devices are not ours: they may hold escape sequences.
    """
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
