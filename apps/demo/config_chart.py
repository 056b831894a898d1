"""The Helm chart of the component pricing in the config repository of the demo."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

_LABELS = """\
{{- define "pricing.labels" -}}
app.kubernetes.io/name: pricing
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: shop
app.kubernetes.io/version: {{ .Values.image.tag | quote }}
{{- end -}}
"""
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: pricing
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "pricing.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: pricing
  template:
    metadata:
      labels:
        {{- include "pricing.labels" . | nindent 8 }}
    spec:
      serviceAccountName: pricing
      containers:
        - name: pricing
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: LOG_LEVEL
              value: {{ .Values.logLevel }}
          envFrom:
            - configMapRef:
                name: pricing-config
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
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
"""
_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: pricing
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "pricing.labels" . | nindent 4 }}
spec:
  selector:
    app.kubernetes.io/name: pricing
  ports:
    - name: http
      port: 80
      targetPort: http
"""
_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: pricing-config
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "pricing.labels" . | nindent 4 }}
data:
  CURRENCIES: {{ join "," .Values.currencies | quote }}
  RULES_REFRESH: {{ .Values.rulesRefresh | quote }}
"""
_ACCOUNT = """\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: pricing
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "pricing.labels" . | nindent 4 }}
"""
_INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: pricing
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "pricing.labels" . | nindent 4 }}
spec:
  ingressClassName: nginx
  rules:
    - host: {{ .Values.host }}
      http:
        paths:
          - path: /pricing
            pathType: Prefix
            backend:
              service:
                name: pricing
                port:
                  name: http
"""
# Paths below the folder of the chart.
CHART: Mapping[str, str] = {
    "Chart.yaml": """\
apiVersion: v2
name: pricing
description: Prices of the shop. A stand-in of the demo.
type: application
version: 0.4.0
appVersion: "1.0.1"
""",
    "values.yaml": """\
image:
  repository: registry.demo.example/shop/pricing
  tag: ""
replicas: 1
logLevel: info
host: shop.demo.example
currencies: [EUR, CHF]
rulesRefresh: 15m
resources:
  requests:
    cpu: 100m
    memory: 192Mi
  limits:
    memory: 384Mi
""",
    "templates/_labels.tpl": _LABELS,
    "templates/configmap.yaml": _CONFIG,
    "templates/deployment.yaml": _DEPLOYMENT,
    "templates/ingress.yaml": _INGRESS,
    "templates/service.yaml": _SERVICE,
    "templates/serviceaccount.yaml": _ACCOUNT,
}
VALUES = Template("""\
image:
  tag: "$tag"
replicas: $replicas
logLevel: $log_level
host: $host
rulesRefresh: $refresh
""")
