"""What a generated project runs its service with is what validators accept."""

import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml
from projects import BIN

from mlkit.serving.settings import read_settings

KUBERNETES = "1.34"


def documents(path):
    """Return the documents in a YAML file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def test_the_manifests_are_what_kubernetes_takes(project):
    """Every document, and no field that its schema does not know."""
    found = documents(project / "deploy" / "kubernetes.yaml")
    kinds = ["ConfigMap", "Deployment", "Service", "PodDisruptionBudget"]
    assert [each["kind"] for each in found] == kinds
    for each in found:
        kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_the_predictor_of_kserve_is_a_pod(project):
    """KServe's own schema is in no package; its predictor is a pod's, with bounds of replicas."""
    [found] = documents(project / "deploy" / "kserve.yaml")
    assert (found["apiVersion"], found["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    predictor = found["spec"].pop("predictor")
    assert found["spec"] == {}
    assert 0 < predictor.pop("minReplicas") <= predictor.pop("maxReplicas")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": predictor}
    kubernetes_validate.validate(pod, KUBERNETES, strict=True)
    # By this name KServe tells the container that it fills in.
    assert predictor["containers"][0]["name"] == "kserve-container"


@pytest.mark.parametrize("name", ["kubernetes.yaml", "kserve.yaml"])
def test_a_container_may_nothing_that_it_need_not(project, name):
    """No root, no writable image, no capability, and room for what it writes."""
    pods = [
        each["spec"].get("predictor") or each["spec"]["template"]["spec"]
        for each in documents(project / "deploy" / name)
        if each["kind"] in ("Deployment", "InferenceService")
    ]
    [[container]] = [pod["containers"] for pod in pods]
    allowed = {**pods[0].get("securityContext", {}), **container["securityContext"]}
    assert allowed["runAsNonRoot"] is allowed["readOnlyRootFilesystem"] is True
    assert allowed["allowPrivilegeEscalation"] is False
    assert allowed["capabilities"] == {"drop": ["ALL"]}
    written = {"/predictions", "/tmp"}
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts - {"/app/conf"} == written


def test_the_dockerfile_has_no_fault_known_to_hadolint(project):
    """Its rules, all of them."""
    hadolint = shutil.which("hadolint", path=BIN)
    done = subprocess.run(
        [hadolint, project / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_holds_the_scoring_side_alone(project):
    """It installs the group `serve`, which is mlkit with that extra and nothing else."""
    dockerfile = (project / "Dockerfile").read_text(encoding="utf-8")
    assert "--only-group serve --no-install-project" in dockerfile
    group = (project / "pyproject.toml").read_text(encoding="utf-8").split("\nserve = ")[1]
    assert group.startswith('["mlkit-ship[serve] @ ')
    last = dockerfile.rpartition("\nFROM ")[2]
    assert "\nUSER 10001\n" in last
    assert "RUN pip" not in last


def test_the_settings_of_the_service_are_valid(project):
    """As `mlkit serve` reads them, they name the bundle that `mlkit train` makes."""
    settings = read_settings(project / "conf" / "serving.yaml", {})
    assert [model.bundle for model in settings.models] == ["bundles/flight-delay"]


def test_a_pod_drains_for_some_seconds_before_it_is_killed(project, tmp_path):
    """By the settings in its ConfigMap, which lie where the image looks for them."""
    settings, deployment, *_ = documents(project / "deploy" / "kubernetes.yaml")
    path = tmp_path / "serving.yaml"
    path.write_text(settings["data"]["serving.yaml"], encoding="utf-8")
    limits = read_settings(path, {"models": [{"bundle": "/bundle"}]}).limits
    pod = deployment["spec"]["template"]["spec"]
    seconds = pod["terminationGracePeriodSeconds"]
    assert 0 < limits.drain_seconds < seconds - limits.finish_seconds
    [mounted] = [each for each in pod["volumes"] if each["name"] == "settings"]
    assert mounted["configMap"]["name"] == settings["metadata"]["name"]
    assert "\nWORKDIR /app\n" in (project / "Dockerfile").read_text().rpartition("\nFROM ")[2]
