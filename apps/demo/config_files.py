"""The files of the config repository of the demo as they are today, except for the versions."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from apps.demo.config_chart import CHART, VALUES
from apps.demo.releases import environments_of

REGISTRY = "registry.demo.example/shop"
NAMESPACES: Mapping[str, str] = {
    "dev": "shop-dev",
    "staging": "shop-staging",
    "production": "shop",
    "production-uk": "shop-uk",
}
HOSTS: Mapping[str, str] = {
    "dev": "dev.shop.demo.example",
    "staging": "staging.shop.demo.example",
    "production": "shop.demo.example",
    "production-uk": "uk.shop.demo.example",
}
README = """\
# shop-config

What runs where in the shop: one folder per component, one overlay, folder or values file per environment.
This repository is a stand-in: it belongs to the demo of gitopsui and is served from this machine alone.

- `apps/cart`, `apps/checkout`: kustomize
- `apps/catalog`: plain manifests
- `apps/pricing`: a Helm chart with values for each environment

A version moves from dev to staging to production, each time by a commit. What is ready for
the United Kingdom runs a second time in `production-uk`, on a small cluster of its own.
"""

_DEPLOYMENT = Template("""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: $name$namespace
  labels:
    app.kubernetes.io/name: $name
    app.kubernetes.io/part-of: shop$version_label
spec:
  replicas: $replicas$paused
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: $name
  template:
    metadata:
      labels:
        app.kubernetes.io/name: $name
        app.kubernetes.io/part-of: shop$template_label
    spec:
      containers:
        - name: $name
          image: $image
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: LOG_LEVEL
              value: $log_level
            - name: HTTP_TIMEOUT
              value: "5s"
          envFrom:
            - configMapRef:
                name: $config
          resources:
            requests:
              cpu: $cpu
              memory: $request
            limits:
              memory: $limit
          startupProbe:
            httpGet:
              path: /readyz
              port: http
            failureThreshold: 30
          readinessProbe:
            httpGet:
              path: /readyz
              port: http
            periodSeconds: 5
          livenessProbe:
            httpGet:
              path: /livez
              port: http
            initialDelaySeconds: 10
""")
_SERVICE = Template("""\
apiVersion: v1
kind: Service
metadata:
  name: $name$namespace
  labels:
    app.kubernetes.io/name: $name
    app.kubernetes.io/part-of: shop
spec:
  selector:
    app.kubernetes.io/name: $name
  ports:
    - name: http
      port: 80
      targetPort: http
""")
_INGRESS = Template("""\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: $name$namespace
  labels:
    app.kubernetes.io/name: $name
    app.kubernetes.io/part-of: shop
  annotations:
    nginx.ingress.kubernetes.io/proxy-read-timeout: "30"
spec:
  ingressClassName: nginx
  rules:
    - host: $host
      http:
        paths:
          - path: /$name
            pathType: Prefix
            backend:
              service:
                name: $name
                port:
                  name: http
""")
_SCALER = Template("""\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: $name
  labels:
    app.kubernetes.io/name: $name
    app.kubernetes.io/part-of: shop
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: $name
  minReplicas: 3
  maxReplicas: 8
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: 70
""")
_OVERLAY = Template("""\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: $namespace
resources:
  - ../../base$more
images:
  - name: registry.demo.example/shop/$name
    newTag: $version
labels:
  - pairs:
      app.kubernetes.io/version: $version
    includeTemplates: true
patches:
  - path: deployment.yaml
  - path: ingress.yaml
""")
_OVERLAY_DEPLOYMENT = Template("""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: $name
spec:
  replicas: $replicas
  template:
    spec:
      containers:
        - name: $name
          env:
            - name: LOG_LEVEL
              value: $log_level
          resources:
            limits:
              memory: $limit
""")
_OVERLAY_INGRESS = Template("""\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: $name
spec:
  rules:
    - host: $host
      http:
        paths:
          - path: /$name
            pathType: Prefix
            backend:
              service:
                name: $name
                port:
                  name: http
""")
_LOG_LEVELS = {"dev": "debug", "staging": "info", "production": "info", "production-uk": "info"}
_REPLICAS = {
    "cart": {"dev": 1, "staging": 2, "production": 3},
    "catalog": {"dev": 1, "staging": 2, "production": 4, "production-uk": 2},
    "checkout": {"dev": 1, "staging": 2, "production": 4},
    "pricing": {"dev": 1, "staging": 3, "production": 3, "production-uk": 2},
}


def current_files(versions: Mapping[tuple[str, str], str]) -> dict[str, str]:
    """All files by path; `versions` are image tags by component and environment."""
    files = {"README.md": README}
    files |= _kustomize("cart", versions) | _kustomize("checkout", versions)
    files |= _catalog(versions) | _pricing(versions)
    return files


def version_file(component: str, environment: str) -> str:
    """The file that says which version of a component an environment asks for."""
    if component == "catalog":
        return f"apps/catalog/{environment}/deployment.yaml"
    if component == "pricing":
        return f"apps/pricing/values-{environment}.yaml"
    return f"apps/{component}/overlays/{environment}/kustomization.yaml"


def _kustomize(name: str, versions: Mapping[tuple[str, str], str]) -> dict[str, str]:
    base = f"apps/{name}/base"
    # How many is for the overlays to say, or for an autoscaler.
    deployment = _deployment(name, "dev", limit="384Mi").replace("  replicas: 1\n", "")
    files = {
        f"{base}/deployment.yaml": deployment,
        f"{base}/service.yaml": _SERVICE.substitute(name=name, namespace=""),
        f"{base}/ingress.yaml": _INGRESS.substitute(name=name, namespace="", host=HOSTS["dev"]),
        **(_cart_base() if name == "cart" else _checkout_base()),
    }
    for environment in environments_of(name):
        files |= _overlay(name, environment, versions[name, environment])
    return files


def _cart_base() -> dict[str, str]:
    return {
        "apps/cart/base/kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - deployment.yaml
  - service.yaml
  - ingress.yaml
configMapGenerator:
  - name: cart-config
    files:
      - cart.properties
    literals:
      - GUEST_CART_DAYS=30
      - REMINDER_HOURS=24
      - MAX_QUANTITY=20
""",
        "apps/cart/base/cart.properties": """\
vouchers.per-order=2
shipping.free-from=49.00
stock.reservation-minutes=20
""",
    }


def _checkout_base() -> dict[str, str]:
    return {
        "apps/checkout/base/kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - deployment.yaml
  - service.yaml
  - ingress.yaml
  - flags.yaml
""",
        "apps/checkout/base/flags.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: checkout-flags
  labels:
    app.kubernetes.io/name: checkout
    app.kubernetes.io/part-of: shop
data:
  express_pay_countries: DE,AT,CH
  instalments_from: "100"
  parcel_stations: "true"
""",
    }


def _overlay(name: str, environment: str, version: str) -> dict[str, str]:
    folder = f"apps/{name}/overlays/{environment}"
    is_scaled = (name, environment) == ("cart", "production")
    more = "\n  - autoscaler.yaml" if is_scaled else ""
    namespace, host = NAMESPACES[environment], HOSTS[environment]
    limit = {"dev": "384Mi", "staging": "384Mi", "production": "512Mi"}[environment]
    replicas, log_level = _REPLICAS[name][environment], _LOG_LEVELS[environment]
    deployment = _OVERLAY_DEPLOYMENT.substitute(
        name=name, replicas=replicas, log_level=log_level, limit=limit
    )
    if is_scaled:  # the autoscaler says how many; Git must not say so too
        deployment = deployment.replace(f"  replicas: {replicas}\n", "")
    return {
        f"{folder}/kustomization.yaml": _OVERLAY.substitute(
            name=name, namespace=namespace, version=version, more=more
        ),
        f"{folder}/deployment.yaml": deployment,
        f"{folder}/ingress.yaml": _OVERLAY_INGRESS.substitute(name=name, host=host),
        **({f"{folder}/autoscaler.yaml": _SCALER.substitute(name=name)} if is_scaled else {}),
    }


def _catalog(versions: Mapping[tuple[str, str], str]) -> dict[str, str]:
    files: dict[str, str] = {}
    for environment in environments_of("catalog"):
        folder = f"apps/catalog/{environment}"
        namespace = f"\n  namespace: {NAMESPACES[environment]}"
        version = versions["catalog", environment]
        files |= {
            f"{folder}/deployment.yaml": _deployment(
                "catalog", environment, version=version, namespace=namespace, limit="768Mi"
            ),
            f"{folder}/service.yaml": _SERVICE.substitute(name="catalog", namespace=namespace),
            f"{folder}/ingress.yaml": _INGRESS.substitute(
                name="catalog", namespace=namespace, host=HOSTS[environment]
            ),
            f"{folder}/configmap.yaml": _CATALOG_CONFIG.substitute(
                namespace=NAMESPACES[environment], ttl={"dev": "5s"}.get(environment, "60s")
            ),
        }
    return files


_CATALOG_CONFIG = Template("""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: catalog-config
  namespace: $namespace
  labels:
    app.kubernetes.io/name: catalog
    app.kubernetes.io/part-of: shop
data:
  CACHE_TTL: $ttl
  SEARCH_TYPOS: "1"
  IMAGE_SIZES: 320,960,1920
""")


def _deployment(name: str, environment: str, *, version: str = "", namespace: str = "", limit: str) -> str:
    label = f"\n    app.kubernetes.io/version: {version}" if version else ""
    return _DEPLOYMENT.substitute(
        name=name,
        namespace=namespace,
        version_label=label,
        template_label=label.replace("    app", "        app"),
        replicas=_REPLICAS[name][environment],
        # A paused roll-out is what Argo CD calls Suspended.
        paused="\n  paused: true" if (name, environment) == ("catalog", "dev") else "",
        image=f"{REGISTRY}/{name}" + (f":{version}" if version else ""),
        log_level=_LOG_LEVELS[environment],
        config={"checkout": "checkout-flags"}.get(name, f"{name}-config"),
        cpu="100m",
        request="256Mi",
        limit=limit,
    )


def _pricing(versions: Mapping[tuple[str, str], str]) -> dict[str, str]:
    files = {f"apps/pricing/{path}": text for path, text in CHART.items()}
    for environment in environments_of("pricing"):
        files[f"apps/pricing/values-{environment}.yaml"] = VALUES.substitute(
            tag=versions["pricing", environment],
            replicas=_REPLICAS["pricing"][environment],
            log_level=_LOG_LEVELS[environment],
            host=HOSTS[environment],
            refresh={"dev": "1m"}.get(environment, "15m"),
        )
    return files
