# The command alone: a static binary in an empty image, run by a user without rights.
#
#     docker build -t smaudit .
#     docker run --rm --network none -v "$PWD/my_model:/model:ro" smaudit /model
FROM rust:1.90-alpine3.22 AS build
RUN apk add --no-cache musl-dev=~1.2
WORKDIR /src
COPY . .
RUN cargo build --release --locked --features remote --bin smaudit && cp target/release/smaudit /smaudit

FROM scratch
COPY --from=build /smaudit /smaudit
# For models in stores.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
USER 65532:65532
ENTRYPOINT ["/smaudit"]
