# Plaza as one container: docker build -t plaza . (docs/deploy.md says how it is run)
FROM node:22-bookworm-slim AS deno

# The same Deno the tests run with; its npm package brings the binary for this machine.
RUN npm install --global deno@2.9.6 && npm cache clean --force \
  && mkdir -p /app /data && chown node:node /app /data

USER node
WORKDIR /app
ENV DENO_NO_UPDATE_CHECK=1

FROM deno AS built

# Packages first: they change less often than the code.
COPY --chown=node:node deno.json deno.lock ./
RUN deno install --frozen
COPY --chown=node:node . .
RUN deno task build

FROM deno

# What is built needs no package.
COPY --chown=node:node --from=built /app/dist /app
ENV DATA_DIR=/data HOST=0.0.0.0 PORT=8000

VOLUME /data
# And the port of TCP_PORT, where native chat clients are wanted.
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Words after the image's name go to Plaza: `docker run … plaza deno task migrate`.
CMD ["deno", "task", "start"]
