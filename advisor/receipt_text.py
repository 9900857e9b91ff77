"""A receipt as Markdown, for people."""

from collections.abc import Iterator, Sequence

from advisor.receipt_form import Environment, Number, Receipt
from bench.score import METRICS


def markdown(receipt: Receipt) -> str:
    """The whole receipt; it ends in a line break."""
    parts = (_advice(receipt), _check(receipt), _data(receipt), _places(receipt), _trials(receipt), _numbers(receipt))
    return "\n".join(line for part in parts for line in (*part, ""))


def _advice(receipt: Receipt) -> Iterator[str]:
    said = receipt.advice
    yield f"# Receipt of run {receipt.run_id}"
    yield ""
    yield f"**{said.headline}**"
    yield ""
    yield f"Verdict: {said.verdict}; asked for the goal {receipt.goal}{_measure(receipt)}."
    if receipt.data.synthetic:
        yield ""
        yield "**The images are synthetic: no score here says anything about retrieval on real ones.**"
    yield ""
    yield from (f"- {reason.text} ({reason.basis}: {reason.source})" for reason in said.reasons)
    yield from (f"- Caution: {caution}" for caution in said.cautions)


def _measure(receipt: Receipt) -> str:
    return f", measured by {METRICS[receipt.metric].title}@{receipt.k}" if receipt.metric else ", nothing measured"


def _check(receipt: Receipt) -> Iterator[str]:
    yield "## How to check it"
    yield ""
    yield "With this receipt's JSON form and the store:"
    yield ""
    yield "    csmae-bench verify receipt.json --db results.duckdb"
    yield "    csmae-bench verify receipt.json --db results.duckdb --rerun 1"
    yield ""
    yield (
        "The first compares trials, SQL and advice with the store; the second also trains again. On the same machine, "
        "device, threads and versions scores come out bit for bit. "
        + (
            f"Elsewhere they count as the same within {receipt.tolerance:.6f}: three deviations between seeds, a rule "
            "of ours."
            if receipt.tolerance is not None
            else "Elsewhere nothing can be said: no candidate has two seeds, so that noise is not known."
        )
    )
    yield ""
    yield f"Run by `{receipt.command}`; receipt written by csmae-advisor {receipt.made_by}."


def _data(receipt: Receipt) -> Iterator[str]:
    data = receipt.data
    yield "## Data"
    yield ""
    kind = "synthetic" if data.synthetic else "real"
    yield f"- {data.name}: {kind} images, {'with' if data.labelled else 'without'} labels, layout {data.layout}"
    yield f"- {data.train_pairs:,} training, {data.query_pairs:,} query and {data.archive_pairs:,} archive pairs"
    yield f"- fingerprint `{data.fingerprint}`"


def _places(receipt: Receipt) -> Iterator[str]:
    yield "## Environment"
    yield ""
    for place in receipt.places:
        yield f"- {_environment(place.environment)} ({', '.join(place.trial_ids)})"
    if not receipt.places:
        yield "No trial was run."


def _environment(found: Environment) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(found.versions.items()))
    return (
        f"csmae-advisor {found.tool_version}, commit {found.commit or 'unknown'}, protocol {found.protocol}; machine "
        f"{found.machine}, {found.device}, {found.precision}, threads {found.threads}; {versions}"
    )


def _trials(receipt: Receipt) -> Iterator[str]:
    yield "## Trials"
    yield ""
    planned = "; ".join(f"{title} {_listed(seeds)}" for title, seeds in receipt.planned_seeds.items())
    yield f"Seeds of the plan: {planned or 'none'}."
    if not receipt.trials:
        return
    yield ""
    yield "| Trial | Candidate | Seed | Steps | Pairs | Ended | Compared | Score | SHA-256 |"
    yield "| --- | --- | --: | --: | --: | --- | --- | --: | --- |"
    for one in receipt.trials:
        score = "" if one.score is None else f"{one.score:.6f}"
        yield (
            f"| {one.trial_id} | {one.candidate} | {one.seed} | {one.steps} | {one.train_pairs} "
            f"| {one.outcome.replace('_', ' ')} | {'yes' if one.counted else 'no'} | {score} | `{one.sha256}` |"
        )
    yield ""
    yield from (f"Made by `{command}`." for command in dict.fromkeys(one.command for one in receipt.trials))


def _numbers(receipt: Receipt) -> Iterator[str]:
    yield "## Numbers"
    yield ""
    if receipt.unverified:
        yield f"**The store contradicts {len(receipt.unverified)} of them: they are marked.**"
        yield ""
    yield (
        "Scores are shares: 0.01 is a point. Each SQL was put to the store when this receipt was made. Numbers in the "
        "words above that are not listed here are worked out from these, and checked as words."
    )
    for number in receipt.numbers:
        yield ""
        yield f"- {number.name}: **{number.value:.6g}** ({_basis(number)})"
        if number.sql:
            yield ""
            yield f"      {number.sql}"
        if number.sql and not number.verified:
            yield ""
            found = "no number" if number.answer is None else f"{number.answer!r}"
            yield f"  **Not verified: the SQL gives {found}, the advice says {number.value!r}.**"


def _basis(number: Number) -> str:
    trials = len(number.trial_ids)
    basis = f"{trials} trial{'' if trials == 1 else 's'}"
    if number.seeds:
        basis += f", seed{'' if len(number.seeds) == 1 else 's'} {_listed(number.seeds)}"
    if number.function:
        basis += f"; by {number.function}"
    if number.bootstrap_seed is not None:
        basis += f", random seed {number.bootstrap_seed}"
    return basis


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))
