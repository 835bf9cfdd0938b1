"""Does Kubernetes run what `docker compose up` runs, and are its manifests what Kubernetes takes?"""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.local.parts import SERVICES, Part
from shared.settings import PORTS
from shared.topics import UPDATES_PREFIX

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
BASE = FOLDER / "base"
VERSION = "1.34"
OF_OPERATORS = {"keda.sh/v1alpha1", "monitoring.coreos.com/v1", "kustomize.config.k8s.io/v1beta1"}
OF_COMPOSE = {
    "GRIDCALL_HEALTH_PORT": "a probe says itself where it asks",
    "GRIDCALL_CLOCK_SPEED": "a city lives as fast as the world",
    "GRIDCALL_CLOCK_ORIGIN": "the same",
    "GRIDCALL_SLA_AUDIT_SPEED": "the same",
}
"""Variables that compose gives and Kubernetes need not."""

Manifest = dict[str, Any]


def _files(folder: Path) -> list[Path]:
    named = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    return [folder / name for name in named if (folder / name).is_file()]


@cache
def _manifests(folder: Path) -> tuple[Manifest, ...]:
    """Give what the files of a folder hold, lists taken apart."""
    documents = [document for file in _files(folder) for document in yaml.load_all(file.read_bytes(), yaml.CSafeLoader)]
    return tuple(each for one in documents for each in (one["items"] if one["kind"] == "List" else (one,)))


def _of(kind: str) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in _manifests(BASE) if each["kind"] == kind}


def _container(workload: Manifest) -> Manifest:
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    found: Manifest = container
    return found


def _config() -> dict[str, str]:
    lines = (BASE / "gridcall.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def _variables(container: Manifest) -> set[str]:
    return {each["name"] for each in container["env"]} | set(_config())


@pytest.fixture(scope="module")
def compose() -> Manifest:
    """Give the services of docker-compose.yml."""
    found: Manifest = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    return found


def test_no_file_stands_beside() -> None:
    """Each manifest of a folder is a resource of its kustomization."""
    for folder in (BASE, FOLDER / "overlays" / "example"):
        there = {file for file in folder.glob("*.yaml") if file.name != "kustomization.yaml"}
        assert there == set(_files(folder))


def test_the_services_are_the_same() -> None:
    """Each has a deployment, a name to call it by, a budget for disruptions and a rule for how many there are."""
    wanted = {part.name for part in SERVICES}
    for kind in ("Deployment", "Service", "PodDisruptionBudget", "ScaledObject"):
        assert set(_of(kind)) == wanted, kind


@pytest.mark.parametrize("part", SERVICES, ids=lambda part: part.name)
def test_a_service_is_started_the_same_way(compose: Manifest, part: Part) -> None:
    """The same image, command, port and variables as in docker-compose.yml."""
    described, container = compose[part.name], _container(_of("Deployment")[part.name])
    assert (container["image"], container["command"]) == (described["image"], described["command"])
    assert container["ports"] == [{"name": "http", "containerPort": PORTS[part.name]}]
    assert _of("Service")[part.name]["spec"]["ports"][0]["port"] == PORTS[part.name]
    given = {name: value for name, value in _variables_of_one(container).items() if value}
    assert given[part.port_variable] == str(PORTS[part.name])
    needed = {name for name, value in described["environment"].items() if value and ":-}" not in str(value)} - set(
        OF_COMPOSE
    )
    assert needed <= _variables(container)


def _variables_of_one(container: Manifest) -> dict[str, str]:
    return {each["name"]: each.get("value", "") for each in container["env"]}


@pytest.mark.parametrize("part", SERVICES, ids=lambda part: part.name)
def test_every_variable_is_one_that_the_service_reads(compose: Manifest, part: Part) -> None:
    """A name that nobody reads would be a setting that does nothing, and compose gives it too."""
    fields = import_module(f"services.{part.name}.settings").Settings.model_fields
    read = {f"GRIDCALL_{name.upper()}" for name in fields}
    variables = _variables(_container(_of("Deployment")[part.name]))
    assert variables <= read
    besides = {name for name in variables - set(compose[part.name]["environment"]) if "_KAFKA_" not in name}
    assert not besides


def test_the_key_of_personal_data_is_given_to_intake_alone() -> None:
    """From a secret, as are all passwords: the configuration holds none."""
    for name, deployment in _of("Deployment").items():
        given = {each["name"]: each for each in _container(deployment)["env"]}
        assert ("GRIDCALL_PII_KEY" in given) == (name == "intake")
        for secret in ("GRIDCALL_PII_KEY", "GRIDCALL_MONGO", "GRIDCALL_KAFKA_PASSWORD"):
            assert secret not in given or given[secret]["valueFrom"]["secretKeyRef"]["key"]
    assert not {"GRIDCALL_PII_KEY", "GRIDCALL_MONGO", "GRIDCALL_KAFKA_PASSWORD"} & set(_config())


def test_topics_and_indexes_are_made_by_a_job(compose: Manifest) -> None:
    """By the command of compose's setup, with what is needed to reach both servers."""
    container = _container(_of("Job")["setup"])
    assert container["command"] == compose["setup"]["command"]
    assert container["image"] == compose["setup"]["image"]
    assert {"GRIDCALL_KAFKA", "GRIDCALL_KAFKA_PASSWORD", "GRIDCALL_MONGO", "GRIDCALL_PROFILE"} <= _variables(container)


def test_nothing_is_privileged() -> None:
    """No root, no capability, no writable file system, no token of the cluster; memory has an end."""
    for workload in (*_of("Deployment").values(), *_of("Job").values()):
        pod, container = workload["spec"]["template"]["spec"], _container(workload)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert container["resources"]["limits"].keys() == {"memory"}


def test_the_image_runs_as_the_same_user() -> None:
    """A volume that the user of the image cannot read would be found out too late."""
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    for deployment in _of("Deployment").values():
        user = deployment["spec"]["template"]["spec"]["securityContext"]["runAsUser"]
        assert f"\nUSER {user}\n" in dockerfile


def test_probes_ask_for_health() -> None:
    """Doors stay open while Kafka is away: only what has no door is unready then."""
    for name, deployment in _of("Deployment").items():
        container = _container(deployment)
        paths = {probe: container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")}
        ready = "/health/live" if name in {"intake", "desk"} else "/health/ready"
        assert {probe: get["path"] for probe, get in paths.items()} == {
            "startup": "/health/live",
            "liveness": "/health/live",
            "readiness": ready,
        }
        assert {get["port"] for get in paths.values()} == {"http"}


@pytest.mark.parametrize("part", SERVICES, ids=lambda part: part.name)
def test_a_service_is_scaled_by_the_groups_in_which_it_reads(part: Part, tmp_path: Path) -> None:
    """Every consumer group with its topic; a group of all departments' topics names none."""
    settings = import_module(f"services.{part.name}.settings").Settings(data=str(tmp_path))
    service = import_module(f"services.{part.name}.app").build(settings)
    read = {
        (reader.group, None if reader.topics[0].startswith(UPDATES_PREFIX) else "".join(reader.topics))
        for reader in service._readers
    }
    spec = _of("ScaledObject")[part.name]["spec"]
    asked = {(each["metadata"]["consumerGroup"], each["metadata"].get("topic")) for each in spec["triggers"]}
    assert asked == read
    assert spec["scaleTargetRef"] == {"name": part.name}
    assert spec["maxReplicaCount"] == int(_config()["GRIDCALL_LOG_PARTITIONS"]) == settings.log_partitions
    assert 1 < spec["minReplicaCount"] <= spec["maxReplicaCount"]


def test_the_doors_of_the_network_are_those_with_http() -> None:
    """Prometheus reaches all, the ingress controller intake and the desk, and an Ingress leads to what there is."""
    policies = _of("NetworkPolicy")
    everybody = {"matchLabels": {"app.kubernetes.io/part-of": "gridcall"}}
    assert policies["nobody"]["spec"] == {"podSelector": everybody, "policyTypes": ["Ingress", "Egress"]}
    assert policies["metrics"]["spec"]["podSelector"] == everybody
    (chosen,) = policies["doors"]["spec"]["podSelector"]["matchExpressions"]
    assert chosen["values"] == ["intake", "desk"]
    for each in _manifests(FOLDER / "overlays" / "example"):
        for rule in each.get("spec", {}).get("rules", ()):
            for path in rule["http"]["paths"]:
                assert path["backend"]["service"]["name"] in _of("Service")
                assert path["path"] in {"/v1", "/open311", "/q"}


@pytest.mark.parametrize("folder", [BASE, FOLDER / "overlays" / "example"], ids=lambda folder: folder.name)
def test_kubernetes_takes_them(folder: Path) -> None:
    """By its own schemas, unknown fields refused."""
    checked = 0
    for each in _manifests(folder):
        if each["apiVersion"] not in OF_OPERATORS:
            kubernetes_validate.validate(each, VERSION, strict=True)
            checked += 1
    assert checked > 1


@pytest.mark.parametrize("folder", [BASE, FOLDER / "overlays" / "example"], ids=lambda folder: folder.name)
def test_kustomize_and_kubeconform_take_them(folder: Path, tmp_path: Path) -> None:
    """As built: nothing is lost on the way, and an overlay changes the image of every service."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: the files were read as they are, without kustomize")
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=True)
    built = list(yaml.load_all(done.stdout, yaml.CSafeLoader))
    here = {(each["kind"], each["metadata"]["name"]) for each in (*_manifests(BASE), *_manifests(folder))}
    assert {(each["kind"], each["metadata"]["name"]) for each in built if each["kind"] != "ConfigMap"} == here
    images = {_container(each)["image"] for each in built if each["kind"] in {"Deployment", "Job"}}
    assert images == {"gridcall" if folder == BASE else "registry.example.org/gridcall:0.1.0"}
    (config,) = [each for each in built if each["kind"] == "ConfigMap"]
    assert config["data"] == _config()
    if shutil.which("kubeconform") is None:
        pytest.skip("kubeconform is not installed: only its schemas were asked")
    _write_schemas(built, tmp_path)
    (tmp_path / "built.yaml").write_text(done.stdout, encoding="utf-8")
    location = f"{tmp_path}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    operators = ",".join(sorted({each["kind"] for each in built if each["apiVersion"] in OF_OPERATORS}))
    file = str(tmp_path / "built.yaml")
    command = ["kubeconform", "-strict", "-skip", operators, "-schema-location", location, file]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def _write_schemas(built: list[Manifest], folder: Path) -> None:
    """Write the schemas of these kinds, each whole in a file of its own: kubeconform's own are on the network."""
    package = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema" / f"v{VERSION}.0-local-strict"
    definitions = (package / "_definitions.json").read_text(encoding="utf-8")
    shared = json.loads(definitions.replace("/api/_definitions.json#", "#"))["$defs"]
    for each in built:
        if each["apiVersion"] not in OF_OPERATORS:
            group, _, version = each["apiVersion"].rpartition("/")
            name = "-".join(filter(None, (each["kind"].lower(), group.partition(".")[0], version))) + ".json"
            schema = json.loads((package / name).read_text(encoding="utf-8").replace("/api/_definitions.json#", "#"))
            (folder / name).write_text(json.dumps(schema | {"$defs": shared}), encoding="utf-8")
