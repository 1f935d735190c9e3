{{/* What the pods of both tests have in common. */}}
{{- define "cwo.testPod" -}}
# Tried again until the deadline, which then is the failure.
restartPolicy: OnFailure
activeDeadlineSeconds: {{ .Values.tests.activeDeadlineSeconds }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tests.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* And their containers. */}}
{{- define "cwo.testContainer" -}}
image: {{ include "cwo.image" (list . .Values.tests.image) | quote }}
imagePullPolicy: {{ .Values.tests.image.pullPolicy }}
# An image without a shell will do.
command: [kubectl]
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
