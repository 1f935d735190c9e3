# syntax=docker/dockerfile:1

# Both are arguments so that mirrors, pinned digests and smaller images without a shell can stand in. The runtime image
# must have the glibc of the builder's Debian release or a newer one; nothing else of it is used.
ARG BUILDER_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${BUILDER_IMAGE} AS builder
WORKDIR /src
COPY . .
# The target folder is a cache that does not outlive the step, so the binary is copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --package conversation-webhook-operator --bin conversation-webhook-operator \
    && install -D target/release/conversation-webhook-operator /out/conversation-webhook-operator

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="conversation-webhook-operator" \
      org.opencontainers.image.description="Kubernetes operator for Twilio conversation-scoped webhooks" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=builder /out/conversation-webhook-operator /usr/local/bin/conversation-webhook-operator
# As a number, so that the kubelet can tell that it is not root.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/conversation-webhook-operator"]
CMD ["run"]
