# Everything is built in one stage; the other has what serves, and nothing that builds or develops. It runs as an ordinary
# user on a read-only file system: only /tmp has to be writable (uploads pass through it), so give it a tmpfs.
# Packages are pinned by hash. Pin the base where you deploy: --build-arg PYTHON_IMAGE=python:3.12-slim@sha256:…
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements/serve.lock requirements/build.lock requirements/
RUN python -m venv --without-pip /opt/mina \
    && python -m pip --python /opt/mina/bin/python install --require-hashes -r requirements/serve.lock \
    && python -m venv --without-pip /opt/tools \
    && python -m pip --python /opt/tools/bin/python install --require-hashes -r requirements/build.lock
COPY pyproject.toml README.md ./
COPY mina_api mina_api
RUN /opt/tools/bin/python -m hatchling build -t wheel -d dist \
    && python -m pip --python /opt/mina/bin/python install --no-index --no-deps dist/*.whl

FROM ${PYTHON_IMAGE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Mina API" \
      org.opencontainers.image.description="Meeting intelligence over HTTP, with a response cache that is never stale" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"
RUN python -m pip uninstall --yes --root-user-action=ignore pip
COPY --from=build /opt/mina /opt/mina
WORKDIR /srv/mina
COPY alembic.ini ./
COPY alembic alembic
ENV PATH=/opt/mina/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8000
# What has begun is answered within ten seconds; what stops the container has to wait for longer than that.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-I", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ops/health/live', timeout=2)"]
CMD ["mina", "serve", "--host", "0.0.0.0", "--port", "8000"]
