"""The plan of a run as text: what would be trained, for how long, and what would not."""

from rich.console import Console

from advisor.cli.blocks import count, items, number_table
from bench.plan.plan import RunPlan
from bench.units import duration


def show_plan(console: Console, plan: RunPlan) -> None:
    """Print the trials by candidate, then what was decided and refused."""
    some = plan.trials[0]  # what all trials have in common
    data = some.data
    where = "synthetic data" if data.synthetic else data.name
    total = f"{count(len(plan.trials), 'trial')} on {where}, about {duration(plan.predicted_seconds)} in all"
    console.print(f"{total}\n", style="bold")
    table = number_table("Candidate", "Seeds", "Steps", "Pairs a step", "Time a trial", "Time")
    for candidate in dict.fromkeys(trial.candidate for trial in plan.trials):
        seconds = [trial.predicted_seconds for trial in plan.trials if trial.candidate == candidate]
        table.add_row(
            candidate.title,
            str(len(seconds)),
            str(some.training.steps),
            str(some.training.batch_pairs),
            duration(seconds[0]),
            duration(sum(seconds)),
        )
    console.print(table)
    sentences = (
        f"{data.name}: {data.train_pairs} training pairs, {data.query_pairs} queries, archive of {data.archive_pairs}",
        f"device {some.device}, {some.precision}, {count(some.threads, 'thread')}",
        *plan.notes,
        *(f"{refusal.candidate.title} will not run: {refusal.reason}" for refusal in plan.refusals),
    )
    console.print()
    console.print(items(*(("-", sentence) for sentence in sentences)))
