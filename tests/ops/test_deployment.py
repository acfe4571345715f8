"""What is under `deploy/` fits what the service says: every metric that a rule or a panel names is there."""

import json
import re
from pathlib import Path

import httpx
import promql_parser
import yaml  # type: ignore[import-untyped]

from mina_api.ops.rules import RULES

DEPLOY = Path(__file__).parents[2] / "deploy"
METRIC = re.compile(r"\bmina_[a-z_]+\b")
RECORDED = re.compile(r"\bmina:[a-z0-9_:]+")


class TestDeployment:
    async def test_names_only_metrics_that_there_are(self, client: httpx.AsyncClient) -> None:
        rules = (DEPLOY / "prometheus/rules.yml").read_text()
        panels = json.loads((DEPLOY / "grafana/dashboard.json").read_text())["panels"]
        expressions = [rule["expr"] for rule in yaml.safe_load(rules)["groups"][0]["rules"]]
        expressions += [target["expr"] for panel in panels for target in panel["targets"]]
        exposed = (await client.get("/metrics")).text

        asked = {name for expression in expressions for name in METRIC.findall(expression)}

        assert len(asked) > 8
        for name in asked:
            family = re.escape(re.sub("_(total|bucket)$", "", name))
            assert re.search(rf"^# TYPE {family}(_total)? ", exposed, re.MULTILINE), name

    def test_alerts_at_the_thresholds_of_the_service(self) -> None:
        groups = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"]
        alerts = [rule for rule in groups[0]["rules"] if "alert" in rule]

        limits = [float(re.search(r"[<>] ([0-9.]+)$", rule["expr"]).group(1)) for rule in alerts[:4]]  # type: ignore[union-attr]

        assert limits == [rule.fires / (1000 if rule.unit == "ms" else 1) for rule in RULES]
        assert all({"summary", "cause", "solution", "impact"} <= set(rule["annotations"]) for rule in alerts)

    def test_asks_in_promql(self) -> None:
        rules = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"][0]["rules"]
        panels = json.loads((DEPLOY / "grafana/dashboard.json").read_text())["panels"]
        recorded = {rule["record"] for rule in rules if "record" in rule}
        expressions = [rule["expr"] for rule in rules]
        expressions += [target["expr"] for panel in panels for target in panel["targets"]]

        for expression in expressions:
            promql_parser.parse(expression)
            assert set(RECORDED.findall(expression)) <= recorded
