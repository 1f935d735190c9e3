{{/* Labels of everything in this release: the chart's own, which win, and commonLabels. */}}
{{- define "tenant.labels" -}}
{{- $own := dict
  "app.kubernetes.io/name" .Chart.Name
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- merge $own .Values.commonLabels | toYaml }}
{{- end }}

{{/*
What makes a webhook another one: its conversation and its target, which no object may change. In an object's name it
makes another object of it. What else is immutable, replayAfter, is not here: an edit of it is refused rather than
carried out by making a webhook again that replays the history.
*/}}
{{- define "tenant.identity" -}}
{{- $conversation := index . 0 }}
{{- $bot := index . 1 }}
{{- list (default "" $conversation.sid) (default "" $conversation.uniqueName) (default "" $conversation.chatServiceSid) $bot.target | toJson | sha256sum | trunc 8 }}
{{- end }}

{{/* A conversation as Twilio knows it. */}}
{{- define "tenant.place" -}}
{{- with .sid }}{{ . | lower }}{{ else }}{{ default "default service" .chatServiceSid | lower }}/{{ .uniqueName }}{{ end }}
{{- end }}
