# The shop for a server that has a database: `docker build --tag vectorshop .`
# docs/container.md says how to run it.

FROM python:3.13-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /srv/shop
RUN uv venv /srv/venv
COPY locks/serve.txt locks/serve.txt
RUN uv pip install --python /srv/venv --no-cache --require-hashes --requirements locks/serve.txt
COPY . .
# Neither is used for more than to read the settings.
RUN DB_HOST=build.invalid SECRET_KEY=build /srv/venv/bin/python manage.py collectstatic --no-input

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home shop
COPY --from=build /srv /srv
# What a server keeps, if it is to keep anything: pictures, and a key where none is set.
RUN install --directory --owner=10001 /srv/shop/.data
WORKDIR /srv/shop
# The root may be read-only: Python writes no bytecode, and the shop keeps nothing.
ENV PATH=/srv/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0", "--port", "8000"]
