# The worker's image: the locked dependencies, then kappawatch itself, and no compiler.
FROM python:3.13.7-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/kappawatch
COPY requirements.lock /src/
# All wheels on x86-64. On ARM faust-streaming has none: its source then installs in pure Python, without a compiler.
RUN /opt/kappawatch/bin/pip install --require-hashes -r /src/requirements.lock
COPY . /src
RUN /opt/kappawatch/bin/pip install --no-deps --no-build-isolation /src

FROM python:3.13.7-slim-bookworm

ENV PATH=/opt/kappawatch/bin:$PATH PYTHONUNBUFFERED=1
COPY --from=build /opt/kappawatch /opt/kappawatch
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["kappawatch"]
CMD ["worker"]
