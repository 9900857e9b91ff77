import pytest

from bench.result import Costs, Losses, Outcome, QueryScores, Score
from bench.run.events import CostsMeasured, Ended, Noted, PhaseEntered, RungScored, StepMeasured
from bench.run.wire import Exited, Forked, Message, Ready, decode, encode

MESSAGES: list[Message] = [
    Ready(),
    Forked(pid=7),
    Exited(status=9),
    PhaseEntered(trial_id="a-01", phase="training"),
    StepMeasured(trial_id="a-01", losses=Losses(step=5, seconds=0.5, learning_rate=1e-3, total=2.0, mim=1.5)),
    RungScored(
        trial_id="a-01",
        step=5,
        scores=(Score(subject="trained", step=5, query="s1", archive="s2", metric="precision", k=10, value=0.3),),
        query_scores=(QueryScores(query="s1", archive="s2", metric="precision", k=10, values=(0.1, 0.5)),),
    ),
    CostsMeasured(trial_id="a-01", costs=Costs(parameters=3, step_seconds=(0.1, 0.2))),
    Noted(trial_id="a-01", note="went on from a checkpoint at step 7"),
    Ended(trial_id="a-01", outcome=Outcome.DIVERGED, cause="the loss was nan"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_a_message_comes_back_as_it_was_sent(message: Message) -> None:
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == message


@pytest.mark.parametrize("line", [b"", b'["Forked",{"pid":', b'["Unknown",{}]', b'["Forked",{"pid":"seven"}]', b"\xff"])
def test_a_torn_or_foreign_line_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a message"):
        decode(line)
