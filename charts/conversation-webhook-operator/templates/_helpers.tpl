{{/* Name of the chart, or what replaces it. */}}
{{- define "cwo.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Name of everything in this release. */}}
{{- define "cwo.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "cwo.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* The same with a word behind it: (list . "word"). A Service's name has 63 characters, so the first part gives way. */}}
{{- define "cwo.named" -}}
{{- $word := index . 1 }}
{{- printf "%s-%s" (include "cwo.fullname" (index . 0) | trunc (int (sub 62 (len $word))) | trimSuffix "-") $word }}
{{- end }}

{{/* Labels that select the operator's pods: they never change. */}}
{{- define "cwo.selectorLabels" -}}
app.kubernetes.io/name: {{ include "cwo.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels that select the pods of another part, and never the operator's: (list . "simulator"). */}}
{{- define "cwo.partSelectorLabels" -}}
{{- $root := index . 0 }}
{{- $part := index . 1 -}}
app.kubernetes.io/name: {{ printf "%s-%s" (include "cwo.name" $root | trunc (int (sub 62 (len $part))) | trimSuffix "-") $part }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- end }}

{{/* Labels of everything: the chart's own, which win, and commonLabels. */}}
{{- define "cwo.releaseLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Labels of what belongs to the operator. */}}
{{- define "cwo.labels" -}}
{{- $own := merge (include "cwo.selectorLabels" . | fromYaml) (include "cwo.releaseLabels" . | fromYaml) }}
{{- merge $own .Values.commonLabels | toYaml }}
{{- end }}

{{/* Labels of what belongs to another part: (list . "simulator"). */}}
{{- define "cwo.partLabels" -}}
{{- $root := index . 0 }}
{{- $own := merge (include "cwo.partSelectorLabels" . | fromYaml) (include "cwo.releaseLabels" $root | fromYaml) }}
{{- merge $own $root.Values.commonLabels | toYaml }}
{{- end }}

{{/* The account that the operator runs under. */}}
{{- define "cwo.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "cwo.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* An image, by digest where one is given: (list . .Values.image). */}}
{{- define "cwo.image" -}}
{{- $image := index . 1 }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository (default (index . 0).Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{/* The names of Secrets for a rule. To RBAC an empty list of names means every Secret. */}}
{{- define "cwo.secretNames" -}}
{{- required "secretAccess.names must name at least one Secret: without a name RBAC means every Secret" . | toYaml }}
{{- end }}

{{/* Where the operator finds Twilio; empty for Twilio's own hosts. */}}
{{- define "cwo.twilioBaseUrl" -}}
{{- if .Values.simulator.enabled }}
{{- if .Values.twilio.baseUrl }}
{{- fail "simulator.enabled and twilio.baseUrl exclude each other: the operator has one Twilio. Remove one of them" }}
{{- end }}
{{- printf "http://%s.%s.svc" (include "cwo.named" (list . "simulator")) .Release.Namespace }}
{{- else }}
{{- .Values.twilio.baseUrl }}
{{- end }}
{{- end }}

{{/* What the operator may do with the Secrets that it uses. */}}
{{- define "cwo.secretVerbs" -}}
[get
{{- if .Values.secretAccess.watch }}, list, watch{{ end }}
{{- if .Values.secretAccess.protect }}, patch{{ end }}]
{{- end }}
