# The command line with its programs, from the wheels in dist/: docs/releasing.md. No compiler and no network is needed
# to use it:  docker run --rm --volume "$PWD:/work" ghcr.io/modelyard/modelyard check
FROM python:3.12-slim
# Debian keeps no older version of git to pin.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends git \
  && rm -rf /var/lib/apt/lists/*
# What chooses among the wheels, and the wheel that was built beside this file: neither is pinned here.
# hadolint ignore=DL3013
RUN --mount=type=bind,source=dist,target=/dist \
    --mount=type=bind,source=scripts/native_wheel.py,target=/native_wheel.py \
  pip install --no-cache-dir packaging \
  && pip install --no-cache-dir "$(python /native_wheel.py /dist)" \
  && modelyard tools install --dry-run
# Git refuses folders of another user, which a mounted one is; nothing that they configure is started.
RUN git config --system --add safe.directory /work \
  && useradd --create-home --uid 1000 modelyard
USER 1000:1000
WORKDIR /work
ENTRYPOINT ["modelyard"]
