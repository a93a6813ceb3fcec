# The service in one image: `claims` with a command (serve, worker, migrate, mock-gateway …).
# Wheels only, each checked against its hash; the running image has no pip, no compiler and no root.

FROM python:3.11-slim AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/service.txt /tmp/service.txt
RUN python -m venv --without-pip /opt/ehoso \
    && python -m pip --python /opt/ehoso/bin/python install \
        --no-deps --require-hashes --only-binary :all: --requirement /tmp/service.txt
COPY claims /opt/ehoso/app/claims
COPY signing /opt/ehoso/app/signing
COPY workers /opt/ehoso/app/workers
COPY xsd /opt/ehoso/app/xsd
# The command that pip would write for the entry point `claims.cli:main`, and where Python finds it.
RUN echo /opt/ehoso/app > "$(/opt/ehoso/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/ehoso.pth" \
    && printf '%s\n' '#!/opt/ehoso/bin/python' 'from claims.cli import main' 'main()' > /opt/ehoso/bin/claims \
    && chmod 755 /opt/ehoso/bin/claims \
    && /opt/ehoso/bin/python -m compileall -q /opt/ehoso/app

FROM python:3.11-slim
LABEL org.opencontainers.image.title="eHoSo" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN python -m pip uninstall --yes pip setuptools wheel \
    && groupadd --system --gid 10001 ehoso \
    && useradd --system --uid 10001 --gid ehoso --home-dir /var/lib/ehoso --create-home --shell /usr/sbin/nologin ehoso
COPY --from=builder /opt/ehoso /opt/ehoso
COPY LICENSE /opt/ehoso/LICENSE
# Nothing is written outside the data folder and /tmp, so the root file system may be read-only.
ENV PATH=/opt/ehoso/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CLAIMS_DATA_DIR=/var/lib/ehoso
USER 10001:10001
WORKDIR /var/lib/ehoso
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["claims"]
CMD ["--help"]
