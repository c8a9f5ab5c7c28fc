{{- define "provery.name" -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- end }}

{{- define "provery.labels" -}}
app.kubernetes.io/name: provery
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{ include "provery.selector" . }}
{{- end }}

{{- define "provery.selector" -}}
{{- if .component -}}
app.kubernetes.io/component: {{ .component }}
{{ end -}}
provery/release: {{ .root.Release.Name }}
{{- end }}

{{- define "provery.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "provery.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "provery.image" -}}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end }}

{{- define "provery.engineURL" -}}
{{- if .Values.engine.url }}{{ .Values.engine.url }}
{{- else if .Values.nats.enabled }}nats://{{ include "provery.name" . }}-nats:4222
{{- else }}{{ fail "engine.url is needed: the address of NATS, or set nats.enabled" }}
{{- end }}
{{- end }}

{{- /* The configuration of all processes. */ -}}
{{- define "provery.config" -}}
{{- $s := .Values.store.s3 }}
{{- $e := .Values.engine }}
{{- $c := dict "engine.url" (include "provery.engineURL" .) "engine.replicas" $e.replicas "engine.lease" $e.lease }}
{{- if $e.credentials.secret }}{{ $_ := set $c "engine.credentials" (printf "/secrets/engine/%s" $e.credentials.key) }}{{ end }}
{{- if $e.nkey.secret }}{{ $_ := set $c "engine.nkey" (printf "/secrets/engine/%s" $e.nkey.key) }}{{ end }}
{{- if $e.tls.secret }}
{{- if $e.tls.ca }}{{ $_ := set $c "engine.tls.ca_file" (printf "/secrets/engine-tls/%s" $e.tls.ca) }}{{ end }}
{{- if $e.tls.cert }}{{ $_ := set $c "engine.tls.cert_file" (printf "/secrets/engine-tls/%s" $e.tls.cert) }}{{ end }}
{{- if $e.tls.key }}{{ $_ := set $c "engine.tls.key_file" (printf "/secrets/engine-tls/%s" $e.tls.key) }}{{ end }}
{{- end }}
{{- $_ := set $c "store.s3.bucket" (required "store.s3.bucket is needed: processes on several machines share a bucket" $s.bucket) }}
{{- range $k, $v := dict "endpoint" $s.endpoint "region" $s.region "prefix" $s.prefix "encryption" $s.encryption "kms_key" $s.kmsKey "request_checksum" $s.requestChecksum }}
{{- if $v }}{{ $_ := set $c (printf "store.s3.%s" $k) $v }}{{ end }}
{{- end }}
{{- if $s.credentials.secret }}{{ $_ := set $c "store.s3.credentials_file" (printf "/secrets/s3/%s" $s.credentials.key) }}{{ end }}
{{- if $s.ca.secret }}{{ $_ := set $c "store.s3.ca_file" (printf "/secrets/s3-ca/%s" $s.ca.key) }}{{ end }}
{{- $_ := set $c "seal_key" (printf "/secrets/seal/%s" .Values.sealKey.key) }}
{{- $_ := set $c "log.level" .Values.log.level }}
{{- range $k, $v := .Values.settings }}{{ $_ := set $c $k $v }}{{ end }}
{{- range $k, $v := $c }}
{{ printf "PROVERY_%s" ($k | replace "." "_" | upper) }}: {{ $v | toString | quote }}
{{- end }}
{{- end }}

{{- /* What API processes and workers have in common in their pods. */ -}}
{{- define "provery.pod" -}}
{{- $v := .root.Values }}
serviceAccountName: {{ include "provery.serviceAccount" .root }}
automountServiceAccountToken: false
{{- with $v.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
terminationGracePeriodSeconds: {{ .part.terminationGracePeriodSeconds }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .part.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .part.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .part.affinity }}
affinity: {{- toYaml .part.affinity | nindent 2 }}
{{- else }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "provery.selector" . | nindent 8 }}
{{- end }}
containers:
  - name: provery
    image: {{ include "provery.image" .root }}
    imagePullPolicy: {{ $v.image.pullPolicy }}
    args: ["serve", "--role", {{ .component | quote }}]
    envFrom:
      - configMapRef: {name: {{ include "provery.name" .root }}}
    env: {{- .env | nindent 6 }}
    ports: {{- .ports | nindent 6 }}
    # The reason of an end shows in the pod's state.
    terminationMessagePolicy: FallbackToLogsOnError
    # A process whose processors are all busy with proofs still answers, later.
    livenessProbe:
      httpGet: {path: /healthz, port: admin}
      periodSeconds: 20
      timeoutSeconds: 15
      failureThreshold: 6
    readinessProbe:
      httpGet: {path: /readyz, port: admin}
      periodSeconds: 5
      timeoutSeconds: 5
      failureThreshold: 3
    # Until NATS and the bucket answer.
    startupProbe:
      httpGet: {path: /healthz, port: admin}
      periodSeconds: 2
      timeoutSeconds: 5
      failureThreshold: 150
    resources: {{- toYaml .part.resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
    volumeMounts:
      - {name: data, mountPath: /data}
      - {name: tmp, mountPath: /tmp}
      - {name: seal, mountPath: /secrets/seal, readOnly: true}
{{- range include "provery.secrets" .root | fromYamlArray }}
      - {name: {{ .name }}, mountPath: /secrets/{{ .name }}, readOnly: true}
{{- end }}
volumes:
  - name: data
{{- if .part.cache.storageClass }}
    ephemeral:
      volumeClaimTemplate:
        spec:
          accessModes: [ReadWriteOnce]
          storageClassName: {{ .part.cache.storageClass }}
          resources: {requests: {storage: {{ .part.cache.size }}}}
{{- else }}
    emptyDir: {sizeLimit: {{ .part.cache.size }}}
{{- end }}
  - name: tmp
    emptyDir: {sizeLimit: 1Gi}
  - name: seal
    secret: {secretName: {{ $v.sealKey.secret }}, defaultMode: 0440}
{{- range include "provery.secrets" .root | fromYamlArray }}
  - name: {{ .name }}
    secret: {secretName: {{ .secret }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{- /* The optional secrets: the name of a volume, and of a secret. */ -}}
{{- define "provery.secrets" -}}
{{- $e := .Values.engine }}
{{- $s := .Values.store.s3 }}
{{- if and $e.credentials.secret $e.nkey.secret }}{{ fail "engine.credentials and engine.nkey exclude each other" }}{{ end }}
{{- with $e.credentials.secret | default $e.nkey.secret }}
- {name: engine, secret: {{ . }}}
{{- end }}
{{- with $e.tls.secret }}
- {name: engine-tls, secret: {{ . }}}
{{- end }}
{{- with $s.credentials.secret }}
- {name: s3, secret: {{ . }}}
{{- end }}
{{- with $s.ca.secret }}
- {name: s3-ca, secret: {{ . }}}
{{- end }}
{{- end }}
