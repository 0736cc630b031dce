# One image for all programs of this repository (target `services`), and one more with the sample beside them (target `sample`).
# docker-compose.yml uses both; in production only the first is wanted:
#
#     docker build --target services --tag countersign .
#     docker run --rm countersign services/decision/main.ts --check-config
#
# NB: the configuration, the bundle of your own policies and all keys are mounted; nothing secret is in an image.

FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional are the parts of the one-machine set (PostgreSQL, Node itself); no package runs an install script.
RUN npm ci --omit=dev --omit=optional

FROM node:24.21.0-bookworm-slim AS services
WORKDIR /app
ENV NODE_ENV=production
COPY --from=packages /app/node_modules node_modules
COPY package.json LICENSE NOTICE ./
COPY cli cli
COPY core core
COPY enforcers enforcers
COPY platform platform
COPY proto proto
COPY rego/bundle rego/bundle
COPY scripts/on-node-24.sh scripts/service.sh scripts/needs-node-24.js scripts/topics.ts scripts/
COPY scripts/topics scripts/topics
COPY services services
# Where volumes are mounted: an empty one takes over the owner of the folder.
RUN install -d -o node -g node /run/countersign /var/lib/countersign
USER node
# A command names a program, and is given the options of Node that stand in one place for all ways to run one.
ENTRYPOINT ["sh", "scripts/service.sh"]
CMD ["services/decision/main.ts", "--config", "/etc/countersign/decision.yaml"]

FROM services AS sample
COPY sample sample
USER root
RUN install -d -o node -g node /run/countersign/approval /run/countersign/database /run/countersign/decision \
    /run/countersign/issuer /run/countersign/public
USER node
CMD ["sample/orders-api/main.ts"]
