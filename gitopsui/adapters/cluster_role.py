"""
The least a cluster must grant us, as text to copy: a role that only reads, and the commands that make a
service account with it. For people whose own kubeconfig runs a program to sign in, which we do not.
"""

from __future__ import annotations

import re

from gitopsui.domain.errors import InputError

ACCOUNT = "gitopsui-reader"
ACCOUNT_NAMESPACE = "gitopsui"
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)

# What a page can show: the kinds with a health rule, and what people commonly keep in Git beside them.
# Secrets are left out on purpose; where somebody adds them, only their metadata is asked for.
READ_RESOURCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "",
        (
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "namespaces",
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "replicationcontrollers",
            "resourcequotas",
            "serviceaccounts",
            "services",
        ),
    ),
    ("admissionregistration.k8s.io", ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")),
    ("apiextensions.k8s.io", ("customresourcedefinitions",)),
    ("apiregistration.k8s.io", ("apiservices",)),
    ("apps", ("controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets")),
    ("autoscaling", ("horizontalpodautoscalers",)),
    ("batch", ("cronjobs", "jobs")),
    ("discovery.k8s.io", ("endpointslices",)),
    ("events.k8s.io", ("events",)),
    ("networking.k8s.io", ("ingressclasses", "ingresses", "networkpolicies")),
    ("policy", ("poddisruptionbudgets",)),
    (
        "rbac.authorization.k8s.io",
        ("clusterrolebindings", "clusterroles", "rolebindings", "roles"),
    ),
    ("scheduling.k8s.io", ("priorityclasses",)),
    ("storage.k8s.io", ("storageclasses",)),
    # Argo: https://argo-cd.readthedocs.io, https://argo-rollouts.readthedocs.io, https://gitops-promoter.readthedocs.io
    (
        "argoproj.io",
        (
            "analysisruns",
            "analysistemplates",
            "applications",
            "applicationsets",
            "appprojects",
            "rollouts",
            "workflows",
        ),
    ),
    (
        "promoter.argoproj.io",
        ("changetransferpolicies", "commitstatuses", "promotionstrategies", "pullrequests"),
    ),
    # Flux: https://fluxcd.io/flux/components/
    ("helm.toolkit.fluxcd.io", ("helmreleases",)),
    ("image.toolkit.fluxcd.io", ("imagepolicies", "imagerepositories", "imageupdateautomations")),
    ("kustomize.toolkit.fluxcd.io", ("kustomizations",)),
    ("notification.toolkit.fluxcd.io", ("alerts", "providers", "receivers")),
    (
        "source.toolkit.fluxcd.io",
        ("buckets", "gitrepositories", "helmcharts", "helmrepositories", "ocirepositories"),
    ),
    # What often lives beside them.
    ("cert-manager.io", ("certificates", "clusterissuers", "issuers")),
    ("external-secrets.io", ("clustersecretstores", "externalsecrets", "secretstores")),
    ("flagger.app", ("canaries",)),
    ("gateway.networking.k8s.io", ("gatewayclasses", "gateways", "grpcroutes", "httproutes")),
    ("keda.sh", ("scaledjobs", "scaledobjects")),
    ("monitoring.coreos.com", ("podmonitors", "prometheusrules", "servicemonitors")),
)

READ_VERBS = ("get", "list", "watch")
# Nobody applies these; controllers make them.
MADE_BY_CLUSTER = frozenset(
    {"controllerrevisions", "endpoints", "endpointslices", "events", "pods", "replicasets", "analysisruns"}
)
DISCOVERY_PATHS = ("/api", "/api/*", "/apis", "/apis/*", "/version", "/version/")

COMMANDS = """\
# 1. An account that can only read. Secrets are not among what it reads.
kubectl create namespace {namespace} --dry-run=client -o yaml | kubectl apply -f -
kubectl apply -f - <<'EOF'
{manifests}EOF

# 2. Its token, the address of the cluster and the certificate authority.
TOKEN=''
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  TOKEN=$(kubectl -n {namespace} get secret {account}-token -o jsonpath='{{.data.token}}' | base64 --decode)
  [ -n "$TOKEN" ] && break
  sleep 1
done
# Where lasting tokens are not wanted (renew it before it ends):
#   TOKEN=$(kubectl -n {namespace} create token {account} --duration=720h)
SERVER=$(kubectl config view --minify -o jsonpath='{{.clusters[0].cluster.server}}')
CA=$(kubectl config view --raw --minify --flatten \\
  -o jsonpath='{{.clusters[0].cluster.certificate-authority-data}}')

# 3. A kubeconfig of text alone. Paste it here, then delete the file.
(umask 077 && cat > gitopsui.kubeconfig) <<EOF
apiVersion: v1
kind: Config
current-context: {account}
clusters:
- name: cluster
  cluster:
    server: "$SERVER"
    certificate-authority-data: "$CA"
users:
- name: {account}
  user:
    token: "$TOKEN"
contexts:
- name: {account}
  context:
    cluster: cluster
    user: {account}
EOF
"""

ACCOUNT_MANIFESTS = """\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {account}
  namespace: {namespace}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {account}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {account}
subjects:
- kind: ServiceAccount
  name: {account}
  namespace: {namespace}
---
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata:
  name: {account}-token
  namespace: {namespace}
  annotations:
    kubernetes.io/service-account.name: {account}
"""


def read_only_role() -> str:
    """The ClusterRole as YAML: get, list and watch on what we read, and discovery."""
    lines = role_head(ACCOUNT)
    for group, resources in READ_RESOURCES:
        lines += rule(group, resources, READ_VERBS)
    lines.append(f"- nonResourceURLs: [{quoted(DISCOVERY_PATHS)}]")
    lines.append('  verbs: ["get"]')
    return "\n".join(lines) + "\n"


def deep_check_role() -> str:
    """What deep checks need beside it. Kubernetes has no right for dry runs alone: these verbs also write."""
    lines = role_head(f"{ACCOUNT}-dry-run")
    for group, resources in READ_RESOURCES:
        applied = tuple(resource for resource in resources if resource not in MADE_BY_CLUSTER)
        if applied:
            lines += rule(group, applied, ("create", "patch"))
    return "\n".join([*lines, "---", *binding(f"{ACCOUNT}-dry-run")]) + "\n"


def secrets_role() -> str:
    """What the comparison of Secret values needs beside it."""
    lines = [*role_head(f"{ACCOUNT}-secrets"), *rule("", ("secrets",), READ_VERBS)]
    return "\n".join([*lines, "---", *binding(f"{ACCOUNT}-secrets")]) + "\n"


def role_head(name: str) -> list[str]:
    head = ("apiVersion: rbac.authorization.k8s.io/v1", "kind: ClusterRole", "metadata:", f"  name: {name}")
    return [*head, "rules:"]


def rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> list[str]:
    return [
        f'- apiGroups: ["{group}"]',
        f"  resources: [{quoted(resources)}]",
        f"  verbs: [{quoted(verbs)}]",
    ]


def binding(name: str) -> list[str]:
    """Of that role to our account, where the printed commands make it."""
    return [
        "apiVersion: rbac.authorization.k8s.io/v1",
        "kind: ClusterRoleBinding",
        "metadata:",
        f"  name: {name}",
        "roleRef:",
        "  apiGroup: rbac.authorization.k8s.io",
        "  kind: ClusterRole",
        f"  name: {name}",
        "subjects:",
        "- kind: ServiceAccount",
        f"  name: {ACCOUNT}",
        f"  namespace: {ACCOUNT_NAMESPACE}",
    ]


def service_account_commands(namespace: str) -> str:
    """
    Shell commands that make the account in `namespace` and write a kubeconfig for it. They need kubectl
    signed in as somebody who may grant the role. Raises InputError NAMESPACE, since the text is run.
    """
    if not NAMESPACE.fullmatch(namespace):
        raise InputError("This is not the name of a namespace.", code="NAMESPACE", field="namespace")
    account = ACCOUNT_MANIFESTS.format(account=ACCOUNT, namespace=namespace)
    return COMMANDS.format(
        account=ACCOUNT, namespace=namespace, manifests=f"{read_only_role()}---\n{account}"
    )


def quoted(words: tuple[str, ...]) -> str:
    return ", ".join(f'"{word}"' for word in words)
