"""The process that trials are forked from: it imports torch once, and no trial pays for that again.

Started as `python -m bench.run.child`.
"""

import os

from bench.run.tether import die_with_parent


def main() -> None:
    """Tie this process to the one that started it, then load what takes seconds, then serve."""
    die_with_parent(os.getppid())
    from bench.run.server import serve  # noqa: PLC0415  the tie comes first: a parent may be killed meanwhile

    serve()


if __name__ == "__main__":
    main()
