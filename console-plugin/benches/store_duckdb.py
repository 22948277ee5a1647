"""Asks DuckDB the questions of the store's benchmark over the same files: FOLDER END_MS ROUNDS -> lines "name<TAB>ms"."""

import sys
import time

import duckdb

folder, end_ms, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
HOUR = 3_600_000
connection = duckdb.connect()
connection.execute("SET threads = 2")
flows = f"read_parquet('{folder}/*/*.parquet')"


def between(hours, is_open_at_start=True):
    start = end_ms - hours * HOUR
    if is_open_at_start:
        return f"TimeFlowEndMs > {start} AND TimeFlowEndMs <= {end_ms}"
    return f"TimeFlowEndMs >= {start} AND TimeFlowEndMs < {end_ms}"


ADDRESS = "10.128.3.17"
NAMESPACES = ", ".join(f"'team-{n}'" for n in range(8, 13))
QUERIES = {
    "top-10 workloads, last hour":
        f"SELECT SrcK8S_Namespace, SrcK8S_Name, sum(Bytes) AS v FROM {flows} WHERE {between(1)} AND Bytes IS NOT NULL "
        "GROUP BY ALL ORDER BY v DESC LIMIT 10",
    "top-50 of all pairs, 24 h":
        f"SELECT SrcK8S_Name, DstK8S_Name, sum(Bytes) AS v FROM {flows} WHERE {between(24)} AND Bytes IS NOT NULL "
        "GROUP BY ALL ORDER BY v DESC LIMIT 50",
    "5-minute buckets of 5 namespaces, 24 h":
        f"SELECT SrcK8S_Namespace, (TimeFlowEndMs - 1) // 300000 AS t, sum(Bytes) AS v FROM {flows} "
        f"WHERE {between(24)} AND SrcK8S_Namespace IN ({NAMESPACES}) AND Bytes IS NOT NULL GROUP BY ALL",
    "last 100 rows of an address, 1 h":
        f"SELECT * FROM {flows} WHERE {between(1, False)} AND (SrcAddr = '{ADDRESS}' OR DstAddr = '{ADDRESS}') "
        "ORDER BY TimeFlowEndMs DESC LIMIT 100",
    "last 100 rows of a pair, 24 h":
        f"SELECT * FROM {flows} WHERE {between(24, False)} AND SrcAddr = '{ADDRESS}' AND DstAddr = '10.128.0.40' "
        "ORDER BY TimeFlowEndMs DESC LIMIT 100",
    "last 100 rows, 24 h":
        f"SELECT * FROM {flows} WHERE {between(24, False)} ORDER BY TimeFlowEndMs DESC LIMIT 100",
}

for name, query in QUERIES.items():
    connection.execute(query).fetchall()
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        connection.execute(query).fetchall()
        best = min(best, time.perf_counter() - started)
    print(f"{name}\t{best * 1000:.3f}")
