"""`compose.yaml`: what it says is in the Compose Specification, leads somewhere, and closes what can be closed."""

import json
import re
from importlib.resources import files
from typing import Any

import jsonschema_rs
import pytest

from mina_api.app import create_app
from mina_api.cli.serve import GRACE_SECONDS
from tests.api import a_settings
from tests.delivery.environment import DEPLOY, REQUIRED, ROOT, VARIABLES, read

COMPOSE = read(ROOT / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "host-1", "host-2")
SECRETS = {"POSTGRES_PASSWORD", "VALKEY_PASSWORD", "MINA_SECRET_KEY", "MINA_OPS_TOKEN", "GRAFANA_PASSWORD"}
SCHEMA = files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
PATHS = re.compile(r"http://127\.0\.0\.1(?::\d+)?(/[^\s'\"]*)")


def mounts() -> list[tuple[str, str]]:
    """What each service mounts: a volume's name or a path, and whether it may write."""
    parts = [volume.split(":") for service in SERVICES.values() for volume in service.get("volumes", ())]
    return [(part[0], part[2] if len(part) == 3 else "rw") for part in parts]


class TestCompose:
    def test_is_of_the_specification(self) -> None:
        validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))

        assert [str(error) for error in validator.iter_errors(COMPOSE)] == []

    def test_leads_to_services_volumes_networks_and_files_that_there_are(self) -> None:
        named = {part[0] for part in mounts() if not part[0].startswith("./")}
        networks = {name for service in SERVICES.values() for name in service["networks"]}

        assert named == set(COMPOSE["volumes"])
        assert networks == set(COMPOSE["networks"])
        assert all((ROOT / path).exists() and mode == "ro" for path, mode in mounts() if path.startswith("./"))
        assert all(
            (ROOT / service["build"] / "Dockerfile").is_file() for service in SERVICES.values() if "build" in service
        )

    @pytest.mark.parametrize("name", SERVICES)
    def test_waits_for_what_each_needs_until_it_is_well_or_done(self, name: str) -> None:
        for other, wait in SERVICES[name].get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert other in OURS or "test" in SERVICES[other]["healthcheck"]  # ours: the image's own
            else:
                assert (wait["condition"], other) == ("service_completed_successfully", "migrate")
            assert set(SERVICES[name]["networks"]) & set(SERVICES[other]["networks"])

    @pytest.mark.parametrize("name", SERVICES)
    def test_closes_each_service(self, name: str) -> None:
        service = SERVICES[name]
        limits = service["deploy"]["resources"]["limits"]

        assert service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert set(limits) == {"cpus", "memory", "pids"}
        assert ":" in service["image"] or service["image"] == "mina-api"
        if name in OURS:
            assert service["cap_drop"] == ["ALL"]
            assert service["tmpfs"][0].startswith("/tmp:")

    @pytest.mark.parametrize("name", OURS)
    def test_tells_mina_what_it_reads_and_all_that_it_requires(self, name: str) -> None:
        environment = set(SERVICES[name]["environment"])

        assert environment <= VARIABLES
        assert environment >= REQUIRED

    def test_holds_no_secret_and_says_which_one_is_missing(self) -> None:
        text = (ROOT / "compose.yaml").read_text()
        secret = re.findall(r"^ *[A-Z_]*(?:PASSWORD|KEY|TOKEN|AUTH|_URL): (.*)$", text, re.MULTILINE)
        asked = re.findall(r"\$\{(\w+)(:\?[^}]+|:-[^}]+)?\}", text)

        assert len(secret) == 7
        assert all("${" in value for value in secret)
        assert {name for name, _ in asked} == SECRETS | {"MINA_PORT"}
        assert all(fallback.startswith(f":?set {name},") for name, fallback in asked if name != "MINA_PORT")

    def test_checks_paths_that_there_are(self) -> None:
        app = create_app(a_settings("postgresql://nobody@127.0.0.1/none", ""))
        (asked,) = PATHS.findall(" ".join(SERVICES["nginx"]["healthcheck"]["test"]))

        assert asked in app.openapi()["paths"]

    def test_publishes_nginx_alone_beyond_this_machine(self) -> None:
        published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

        assert published.pop("nginx") == ["${MINA_PORT:-8080}:80"]
        assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
        assert COMPOSE["networks"]["data"]["internal"] is True
        assert SERVICES["postgres"]["networks"] == SERVICES["valkey"]["networks"] == ["data"]

    def test_gives_mina_longer_to_end_than_it_takes(self) -> None:
        for name in ("host-1", "host-2"):
            assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > GRACE_SECONDS


class TestWhatItMounts:
    def test_nginx_asks_the_two_hosts(self) -> None:
        site = (DEPLOY / "nginx/mina.conf").read_text()

        assert {name for name in SERVICES if f"server {name}:8000" in site} == {"host-1", "host-2"}

    def test_prometheus_asks_the_one_name_of_both_hosts_by_the_rules(self) -> None:
        configuration = read(DEPLOY / "prometheus/prometheus.yml")
        (job,) = configuration["scrape_configs"]

        assert job["static_configs"] == [{"targets": ["mina:8000"]}]
        assert all(SERVICES[name]["networks"]["edge"]["aliases"] == ["mina"] for name in ("host-1", "host-2"))
        assert configuration["rule_files"] == ["rules.yml"]
        assert "./deploy/prometheus/rules.yml:/etc/prometheus/rules.yml:ro" in SERVICES["prometheus"]["volumes"]

    def test_grafana_finds_prometheus_and_the_dashboard(self) -> None:
        (source,) = read(DEPLOY / "grafana/provisioning/datasources/prometheus.yml")["datasources"]
        (provider,) = read(DEPLOY / "grafana/provisioning/dashboards/mina.yml")["providers"]
        mounted = next(volume for volume in SERVICES["grafana"]["volumes"] if "dashboard.json" in volume)

        assert source["url"] == "http://prometheus:9090" and source["isDefault"]
        assert mounted.split(":")[1].startswith(provider["options"]["path"] + "/")
