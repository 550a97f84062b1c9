# One image for every process of the cloud; docker-compose.yml says which command each of them runs.
FROM python:3.11-slim-bookworm AS packages
RUN python -m venv /venv
COPY requirements/base.txt /
RUN /venv/bin/python -m pip install --no-cache-dir --require-hashes -r /base.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home cloudconsole \
    && install -d -o cloudconsole -g cloudconsole -m 0700 /data /exports /imports
COPY --from=packages /venv /venv
COPY . /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CLOUDCONSOLE_DATA_DIR=/data
USER cloudconsole
