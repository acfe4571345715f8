"""Answers of the operations calls as tables."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

Json = dict[str, Any]


def together(*parts: RenderableType) -> Group:
    """One below the other."""
    return Group(*parts)


def stats_tables(stats: Json) -> list[Table]:
    """Totals; endpoints; latencies."""
    totals = Table(title=f"Cache, {stats['scope']} ({stats['workers']})", show_header=False)
    for name in ("hits", "misses", "hit_rate", "sets", "deletes", "invalidations", "errors", "bypasses"):
        value = stats[name]
        totals.add_row(name.replace("_", " "), f"{value:.1%}" if name == "hit_rate" else f"{value:,}")
    totals.add_row("by tier", ", ".join(f"{tier} {count:,}" for tier, count in stats["by_tier"].items()))
    totals.add_row("uptime", f"{stats['uptime_seconds']:,.0f} s")
    latency = Table(title="Latency", caption="ms")
    for name in ("of", "answers", "p50", "p95", "p99"):
        latency.add_column(name, justify="left" if name == "of" else "right")
    for kind, found in stats["latency_ms"].items():
        latency.add_row(kind, f"{found['count']:,}", *(_milliseconds(found[name]) for name in ("p50", "p95", "p99")))
    return [totals, top_table([{"endpoint": name, **group} for name, group in stats["by_endpoint"].items()]), latency]


def top_table(rows: Sequence[Json]) -> Table:
    """Endpoints and how they were answered."""
    table = Table(title="Endpoints")
    table.add_column("endpoint", overflow="fold")
    for name in ("hits", "misses", "bypasses", "hit rate"):
        table.add_column(name, justify="right")
    for row in rows:
        counts = (f"{row[name]:,}" for name in ("hits", "misses", "bypasses"))
        table.add_row(row["endpoint"], *counts, f"{row['hit_rate']:.1%}")
    return table


def keys_table(rows: Sequence[Json]) -> Table:
    """Entries."""
    table = Table(title="Entries")
    table.add_column("key", overflow="fold")
    table.add_column("seconds left", justify="right")
    table.add_column("bytes", justify="right")
    for row in rows:
        table.add_row(row["key"], f"{row['ttl_seconds']:,.0f}", f"{row['size_bytes']:,}")
    return table


def entry_tables(entry: Json) -> list[Table]:
    """An entry; its tags."""
    about = Table(title=entry["key"], show_header=False)
    about.add_row("served", "yes" if entry["valid"] else "no")
    for name in ("explanation", "status", "ttl_seconds", "age_seconds", "load_ms", "size_bytes", "body_bytes"):
        value = entry[name]
        about.add_row(name.replace("_", " "), f"{value:,.1f}" if isinstance(value, float) else str(value))
    tags = Table(title="Tags")
    for name in ("tag", "state", "invalidated last", "by"):
        tags.add_column(name, overflow="fold")
    for tag in entry["tags"]:
        last = tag["last_invalidation"] or {}
        user = f"user {last['user']}, " if last.get("user") else ""
        tags.add_row(tag["tag"], tag["state"], last.get("at") or "–", f"{user}{last.get('request') or '–'}")
    return [about, tags]


def alerts_table(alerts: Json) -> Table:
    """The rules; what to do about those that fire."""
    table = Table(title="Alerts")
    for name in ("rule", "state", "value", "fires beyond", "what to do"):
        table.add_column(name, overflow="fold")
    for alert in alerts["alerts"]:
        colour = {"ok": "green", "warning": "yellow", "firing": "red"}[alert["state"]]
        value = "–" if alert["value"] is None else f"{alert['value']:.3g}"
        advice = alert["advice"]["solution"] if alert["state"] == "firing" else ""
        table.add_row(
            alert["name"], f"[{colour}]{alert['state']}[/]", value, f"{alert['threshold']} {alert['unit']}", advice
        )
    return table


def _milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
