import json
import sqlite3
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

import fakes
from bench.errors import StoreError, UsageError
from bench.store import sql
from bench.store.results import Results

CANARY = "canary-of-the-outside"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Results:
    found = Results(tmp_path_factory.mktemp("store") / "results.duckdb", patience_seconds=5)
    found.add_trial(fakes.trial_result())
    return found


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that a query must neither read nor add to."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "c.csv").write_text(f"a\n{CANARY}\n")
    (folder / "c.json").write_text(json.dumps([{"a": CANARY}]))
    connection = sqlite3.connect(folder / "sqlite.db")
    connection.execute("CREATE TABLE t (a)")
    connection.execute("INSERT INTO t VALUES (?)", [CANARY])
    connection.commit()
    connection.close()
    with duckdb.connect(folder / "duckdb.db") as database:
        database.execute("CREATE TABLE t AS SELECT ? AS a", [CANARY])
        database.execute(f"COPY t TO '{folder}/c.parquet'")
    return folder


HOSTILE = [
    "INSERT INTO trials SELECT * FROM trials",
    "UPDATE trials SET seed = 7",
    "DELETE FROM trials",
    "TRUNCATE trials",
    "MERGE INTO trials USING trials AS other USING (trial_id) WHEN MATCHED THEN DELETE",
    "DROP TABLE trials",
    "ALTER TABLE trials ADD COLUMN x INTEGER",
    "COMMENT ON TABLE trials IS 'x'",
    "CREATE TABLE x (a INTEGER)",
    "CREATE TEMP TABLE x AS FROM read_csv('{out}/c.csv')",
    "CREATE VIEW x AS SELECT 1",
    "CREATE MACRO x() AS 1",
    "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "WITH x AS (INSERT INTO losses SELECT * FROM losses RETURNING *) FROM x",
    "WITH x AS (COPY trials TO '{out}/new.csv') FROM x",
    "EXPLAIN ANALYZE DELETE FROM trials",
    "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1",
    "EXPLAIN ANALYZE COPY trials TO '{out}/new.csv'",
    "EXPLAIN ANALYZE FROM read_csv('{out}/c.csv')",
    "EXPLAIN ANALYZE SET threads = 2",
    "COPY trials TO '{out}/new.parquet'",
    "COPY (SELECT 1) TO '{out}/new.csv'",
    "COPY trials FROM '{out}/c.csv'",
    "EXPORT DATABASE '{out}/new'",
    "IMPORT DATABASE '{out}'",
    "ATTACH '{out}/new.duckdb'",
    "ATTACH '{out}/duckdb.db' AS other (READ_ONLY)",
    "DETACH results",
    "USE memory",
    "FROM read_csv('{out}/c.csv')",
    "FROM read_csv('/etc/passwd', sep = '|')",
    "FROM read_text('{out}/c.csv')",
    "FROM read_blob('{out}/c.csv')",
    "FROM read_json('{out}/c.json')",
    "FROM read_ndjson_objects('{out}/c.json')",
    "FROM read_parquet('{out}/c.parquet')",
    "FROM parquet_metadata('{out}/c.parquet')",
    "FROM sniff_csv('{out}/c.csv')",
    "FROM '{out}/c.csv'",
    "FROM '{out}/duckdb.db'",
    "FROM sqlite_scan('{out}/sqlite.db', 't')",
    "FROM glob('{out}/*')",
    "FROM query('FROM read_text(''{out}/c.csv'')')",
    "FROM query_table('{out}/c.csv')",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{out}/c.csv'')'))",
    "WITH a AS (WITH b AS (SELECT * FROM read_text('{out}/c.csv')) SELECT * FROM b) SELECT * FROM a",
    "SELECT (SELECT content FROM read_text('{out}/c.csv'))",
    "FROM trials WHERE EXISTS (FROM '{out}/c.csv')",
    "SUMMARIZE '{out}/c.csv'",
    "DESCRIBE FROM '{out}/c.csv'",
    "FROM 'https://example.org/c.csv'",
    "FROM read_parquet('s3://bucket/c.parquet')",
    "SELECT getenv('CANARY')",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{out}/c.csv'",
    "FORCE INSTALL httpfs FROM 'https://example.org'",
    "UPDATE EXTENSIONS",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "SET VARIABLE x = 1",
    "PRAGMA enable_profiling",
    "PRAGMA database_list",
    "FROM enable_logging(storage = 'file', storage_config = {{'path': '{out}/log'}})",
    "FROM enable_profiling(save_location = '{out}/profile.json')",
    "CALL enable_logging()",
    "CALL pragma_version()",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN",
    "PREPARE x AS SELECT 1",
    "EXECUTE x",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE trials",
    "SELECT 1; COPY trials TO '{out}/new.csv'",
    "FROM outside",
    "FROM connection",
    "SELECT FROM WHERE",
    "",
    " ; -- nothing",
]


@pytest.mark.parametrize("statement", HOSTILE)
def test_a_hostile_statement_is_refused_and_reaches_nothing(
    store: Results, outside: Path, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    before = {file: file.read_bytes() for folder in (outside, store.path.parent) for file in folder.rglob("*")}
    with pytest.raises(UsageError) as refusal:
        store.query(statement.format(out=outside), max_rows=10)
    assert CANARY not in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert {file: file.read_bytes() for folder in (outside, store.path.parent) for file in folder.rglob("*")} == before


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ("SELECT variant, seed FROM trials", ("variant", "seed")),
        ("FROM failures SELECT cause", ("cause",)),
        ("WITH a AS (SELECT 1 AS b) SELECT b FROM a;", ("b",)),
        ("VALUES (1, 2)", ("col0", "col1")),
        ("SHOW TABLES", ("name",)),
        ("SHOW TABLES -- with a comment", ("name",)),
        ("SELECT 1 AS a, 2 AS a", ("a", "a")),
        ("EXPLAIN SELECT 1", ("explain_key", "explain_value")),
        ("SELECT versions ->> 'torch' AS torch, model -> 'size' AS size FROM trials", ("torch", "size")),
        ("PIVOT retrieval_matrix ON archive IN ('s1', 's2') USING max(mean) GROUP BY query", ("query", "s1", "s2")),
    ],
)
def test_what_only_reads_is_answered(store: Results, statement: str, columns: tuple[str, ...]) -> None:
    assert store.query(statement, max_rows=10).columns == columns


@pytest.mark.parametrize("statement", ["DESCRIBE trials", "SUMMARIZE trials", "FROM leaderboard", "SHOW ALL TABLES"])
def test_shapes_of_tables_are_answered(store: Results, statement: str) -> None:
    assert store.query(statement, max_rows=100).rows


def test_types_and_values_are_those_of_the_database(store: Results) -> None:
    table = store.query("SELECT seed, synthetic, step_seconds, peak_memory_bytes, started_at FROM trials", max_rows=1)
    assert table.types == ("BIGINT", "BOOLEAN", "DOUBLE[]", "BIGINT", "TIMESTAMP")
    assert table.rows == ((0, True, [0.05, 0.06, 0.05], None, datetime(2026, 1, 2, 3, 4, 5)),)  # noqa: DTZ001  UTC


@pytest.mark.parametrize(("rows", "limit", "shown", "truncated"), [(5, 4, 4, True), (5, 5, 5, False), (0, 1, 0, False)])
def test_truncation_is_flagged(store: Results, rows: int, limit: int, shown: int, truncated: bool) -> None:
    table = store.query(f"FROM range({rows})", max_rows=limit)
    assert (len(table.rows), table.truncated) == (shown, truncated)


def test_only_the_rows_asked_for_are_computed(store: Results) -> None:
    assert store.query("FROM range(1000000000000)", max_rows=2).rows == ((0,), (1,))


def test_no_rows_are_no_answer(store: Results) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        store.query("SELECT 1", max_rows=0)


def test_times_with_a_zone_are_shown_as_text(store: Results) -> None:
    table = store.query("SELECT TIMESTAMPTZ '2026-01-02 03:04:05+00' AS t, 1 AS t; -- now", max_rows=1)
    assert table.columns == ("t", "t")
    assert table.types == ("TIMESTAMP WITH TIME ZONE", "INTEGER")
    assert datetime.fromisoformat(table.rows[0][0]) == datetime.fromisoformat("2026-01-02T03:04:05+00:00")


def test_a_slow_query_is_cut_off(store: Results) -> None:
    with pytest.raises(UsageError, match=r"longer than 0\.05 s"):
        sql.query(
            store.path,
            "SELECT sum(a.i * b.i) FROM range(1000000) a(i), range(1000000) b(i)",
            max_rows=1,
            patience_seconds=5,
            time_limit_seconds=0.05,
        )


def test_a_query_cannot_take_all_memory(store: Results) -> None:
    with pytest.raises(UsageError, match="Out of Memory"):
        sql.query(
            store.path,
            "SELECT array_agg(i) FROM range(1000000000) t(i)",
            max_rows=1,
            patience_seconds=5,
            time_limit_seconds=60,
        )


def test_the_first_line_of_the_databases_words_is_shown(store: Results) -> None:
    with pytest.raises(UsageError) as error:
        store.query("SELECT nonsense FROM trials", max_rows=1)
    assert str(error.value).startswith('the query failed: Binder Error: Referenced column "nonsense" not found')


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"none\.duckdb does not exist: csmae-bench run makes it"):
        Results(tmp_path / "none.duckdb").query("SELECT 1", max_rows=1)
    assert list(tmp_path.iterdir()) == []


def test_another_reader_is_no_hindrance(store: Results) -> None:
    reader = "import duckdb, sys\nc = duckdb.connect(sys.argv[1], read_only=True)\nprint('open', flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", reader, str(store.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"open\n"
        try:
            assert store.query("SELECT 1", max_rows=1).rows == ((1,),)
        finally:
            process.communicate(b"\n")
