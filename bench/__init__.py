"""How it is measured: profile, plan, run, score, store."""
