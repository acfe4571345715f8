"""`deploy/kubernetes/`: what a cluster takes, as closed as Pod Security's *restricted* asks, and fit for Mina."""

from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from mina_api.app import create_app
from mina_api.cli.serve import GRACE_SECONDS
from tests.api import a_settings
from tests.delivery.building import steps_of
from tests.delivery.environment import DEPLOY, REQUIRED, ROOT, VARIABLES, read

DIRECTORY = DEPLOY / "kubernetes"
KUSTOMIZATION = read(DIRECTORY / "kustomization.yaml")
FILES = sorted(path for path in DIRECTORY.glob("*.yaml") if path.name != "kustomization.yaml")
# The earliest release with `preStop.sleep`, and the newest that is known.
RELEASES = ("1.30.0", kubernetes_validate.latest_version())

DEPLOYMENT = read(DIRECTORY / "deployment.yaml")
POD = DEPLOYMENT["spec"]["template"]["spec"]
(MINA,) = POD["containers"]
JOB = read(DIRECTORY / "migrate.yaml")["spec"]["template"]["spec"]
SECRET = read(DIRECTORY / "secret.example.yaml")
LABELS = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]


class TestManifests:
    @pytest.mark.parametrize("release", RELEASES)
    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
    def test_are_what_a_cluster_takes(self, path: Path, release: str) -> None:
        kubernetes_validate.validate(read(path), release, strict=True)

    def test_are_all_applied_but_what_is_filled_in_or_run_once(self) -> None:
        left = {path.name for path in FILES} - set(KUSTOMIZATION["resources"])

        assert left == {"secret.example.yaml", "migrate.yaml"}
        assert set(KUSTOMIZATION["resources"]) <= {path.name for path in FILES}
        (image,) = KUSTOMIZATION["images"]
        assert MINA["image"] == image["name"]
        assert JOB["containers"][0]["image"] == f"{image['newName']}:{image['newTag']}"

    def test_find_the_pods_and_nothing_else(self) -> None:
        job = read(DIRECTORY / "migrate.yaml")["spec"]["template"]["metadata"]["labels"]
        selectors = [
            DEPLOYMENT["spec"]["selector"]["matchLabels"],
            read(DIRECTORY / "service.yaml")["spec"]["selector"],
            read(DIRECTORY / "disruption.yaml")["spec"]["selector"]["matchLabels"],
            read(DIRECTORY / "network.yaml")["spec"]["podSelector"]["matchLabels"],
        ]

        assert all(selector.items() <= LABELS.items() for selector in selectors)
        assert not any(selector.items() <= job.items() for selector in selectors)
        target = read(DIRECTORY / "autoscaler.yaml")["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) == (DEPLOYMENT["kind"], DEPLOYMENT["metadata"]["name"])


class TestPods:
    @pytest.mark.parametrize("pod", [POD, JOB], ids=["deployment", "migration"])
    def test_are_closed(self, pod: dict[str, Any]) -> None:
        (container,) = pod["containers"]
        user = next(step.words[0] for step in steps_of(ROOT / "Dockerfile") if step.name == "USER")
        account = pod["securityContext"]

        assert f"{account['runAsUser']}:{account['runAsGroup']}" == user
        assert account["runAsNonRoot"] is True
        assert account["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]
        assert pod["automountServiceAccountToken"] is False

    @pytest.mark.parametrize("pod", [POD, JOB], ids=["deployment", "migration"])
    def test_read_the_secret_that_is_shown_without_values(self, pod: dict[str, Any]) -> None:
        (container,) = pod["containers"]
        told = set(SECRET["stringData"])

        assert container["envFrom"] == [{"secretRef": {"name": SECRET["metadata"]["name"]}}]
        assert REQUIRED <= told <= VARIABLES
        assert {variable["name"] for variable in container.get("env", ())} <= VARIABLES
        assert set(SECRET["stringData"].values()) == {""}

    def test_are_asked_at_paths_and_a_port_that_there_are(self) -> None:
        app = create_app(a_settings("postgresql://nobody@127.0.0.1/none", ""))
        asked = {name: MINA[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
        ports = {port["name"]: str(port["containerPort"]) for port in MINA["ports"]}

        assert {probe["path"] for probe in asked.values()} <= set(app.openapi()["paths"])
        assert asked["livenessProbe"]["path"] == "/ops/health/live"
        assert asked["readinessProbe"]["path"] == "/ops/health/ready"
        assert {probe["port"] for probe in asked.values()} == set(ports)
        assert ports["http"] == MINA["args"][MINA["args"].index("--port") + 1]

    def test_have_longer_to_end_than_mina_takes(self) -> None:
        pause = MINA["lifecycle"]["preStop"]["sleep"]["seconds"]

        assert POD["terminationGracePeriodSeconds"] >= pause + GRACE_SECONDS + 10
