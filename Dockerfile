# syntax=docker/dockerfile:1

# Two images: the operator's, which is the last stage, and by `--target simulator` that of the stand-in for Twilio.

# An argument so that a mirror or a pinned digest can stand in.
ARG BUILDER_IMAGE=rust:1.95-bookworm
ARG VERSION=0.1.0
ARG REVISION=unknown

FROM ${BUILDER_IMAGE} AS source
WORKDIR /src
COPY . .

# With a list of what it is made of in the binary itself: `cargo audit bin` and scanners read that. The target folder is a cache
# that does not outlive the step, so what goes into the image is put together in it.
FROM source AS build-simulator
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/root/.cache \
    --mount=type=cache,target=/src/target,sharing=locked \
    .ci/cargo-tool cargo-auditable auditable build --release --locked --package twilio-conversations-simulator --bins \
    && .ci/image-root target/release/twilio-conversations-simulator /image

FROM source AS build
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/root/.cache \
    --mount=type=cache,target=/src/target,sharing=locked \
    .ci/cargo-tool cargo-auditable auditable build --release --locked \
        --package conversation-webhook-operator --bin conversation-webhook-operator \
    && .ci/image-root target/release/conversation-webhook-operator /image

# The program, the libraries that it loads, CA certificates and a user: no shell, no package manager. The user as a number, so
# that the kubelet can tell that it is not root.
FROM scratch AS simulator
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="twilio-conversations-simulator" \
      org.opencontainers.image.description="Stand-in for Twilio's Conversations API, for trials and tests" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build-simulator /image /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/twilio-conversations-simulator"]

FROM scratch
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="conversation-webhook-operator" \
      org.opencontainers.image.description="Kubernetes operator for Twilio conversation-scoped webhooks" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image /
USER 65532:65532
# One pool of memory for all threads: with one for each, as the C library has it, each keeps to itself what it freed.
ENV MALLOC_ARENA_MAX=1
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/conversation-webhook-operator"]
CMD ["run"]
