# syntax=docker/dockerfile:1
# Not built on an engine yet; see docs/operate.md.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
# cgo: librdkafka comes, built, with its Go module. It needs glibc, and a C compiler to link.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=1 go build -trimpath -ldflags='-s -w' -o /regie .

# The same Debian's glibc.
FROM debian:bookworm-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /regie /usr/local/bin/regie
# In a container the addresses are the container's: what is published decides who reaches them.
ENV REGIE_HTTP=0.0.0.0:8080 REGIE_ADMIN=0.0.0.0:8081 REGIE_GRPC=0.0.0.0:8082 REGIE_LOG_FORMAT=json REGIE_DATA=/tmp/regie
EXPOSE 8080 8081 8082
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/regie"]
CMD ["--help"]
