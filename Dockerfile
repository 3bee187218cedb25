# The gateway, and (with another command) the sandbox. Node runs the TypeScript: nothing is built.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production PORT=4000
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
COPY sandbox ./sandbox
# Started once, with the sandbox: what is compiled is kept for each start (src/start.js), by the user and with the flags that it runs with.
RUN mkdir -p node_modules/.cache && chown node node_modules/.cache
USER node
RUN NODE_ENV=development PORT=0 timeout --preserve-status 10 node --max-semi-space-size=32 --heap-growing-percent=100 --no-memory-reducer-favors-memory src/start.js
EXPOSE 4000
# Ready, not only alive: while it drains, nobody sends it more.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# As npm start does (the house test compares), without npm in between: SIGTERM reaches the gateway, which drains.
CMD ["node", "--max-semi-space-size=32", "--heap-growing-percent=100", "--no-memory-reducer-favors-memory", "src/start.js"]
