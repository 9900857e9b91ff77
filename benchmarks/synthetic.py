"""How near the built-in pairs are to BigEarthNet, and what they score without any learning.

Run from the repository root: `python benchmarks/synthetic.py [synthetic:OPTIONS]`.
"""

import sys
from contextlib import closing

from baselines import score, table

from bench.data.ben_v1_lmdb import STATISTICS
from bench.data.pairs import open_pairs
from models.config import SENSORS


def main() -> None:
    """Print both tables."""
    with closing(open_pairs(sys.argv[1] if len(sys.argv) > 1 else "synthetic")) as pairs:
        print(f"{pairs.name}: mean ± deviation of the training pairs, beside the published ones of BigEarthNet v1\n")
        own = pairs.statistics()
        for sensor in SENSORS:
            published = STATISTICS[sensor]
            for row, band in enumerate(pairs.bands[sensor]):
                print(
                    f"  {band:4} {own[sensor].mean[row]:8.1f} ± {own[sensor].std[row]:6.1f}"
                    f"   {published.mean[row]:8.1f} ± {published.std[row]:6.1f}"
                )
        print(f"\nin %, {len(pairs.ids('query'))} queries, archive of {len(pairs.ids('archive'))}\n")
        print("\n".join(table(score(pairs))))


if __name__ == "__main__":
    main()
