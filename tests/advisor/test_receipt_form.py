"""What is written as a receipt is read again, and what is none is told."""

import msgspec
import pytest

from advice_fakes import measured
from advisor.receipt_form import SCHEMA_VERSION, read
from bench.errors import UsageError
from receipt_fakes import CLOSE, written


def test_what_is_written_is_read_again() -> None:
    receipt = written(measured(CLOSE))
    assert read(msgspec.json.format(msgspec.json.encode(receipt)), name="receipt.json") == receipt


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"# Receipt", "r.json is no receipt: csmae-bench receipt --out FILE.json makes one"),
        (b"[]", "r.json is no receipt"),
        (b'{"kind": "an invoice", "schema_version": 1}', "r.json is no receipt"),
        (b'{"kind": "csmae-bench receipt", "schema_version": 1}', "r.json is a damaged receipt: Object missing"),
        (
            f'{{"kind": "csmae-bench receipt", "schema_version": {SCHEMA_VERSION + 1}}}'.encode(),
            f"r.json is of a newer form (schema version {SCHEMA_VERSION + 1}, here {SCHEMA_VERSION}): verify it with",
        ),
        (b'{"kind": "csmae-bench receipt", "schema_version": 0}', "r.json is of an older form (schema version 0"),
    ],
)
def test_what_is_no_receipt_is_a_line(content: bytes, told: str) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]*$") as caught:
        read(content, name="r.json")
    assert str(caught.value).startswith(told)
