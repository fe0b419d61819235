// Three projects, by where a test runs: Node, inside workerd, or Node driving real Chromium and a real server.
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/** Shared with tests inside workerd, which read it from their own environment. */
const ADMIN_TOKEN_FOR_TESTS = "test-admin-token";

/** A property test over thousands of cases takes seconds on a busy machine; a hang is still found. */
const UNIT_TIMEOUT_MS = 60_000;

/** Starting a browser or a server, killing it and starting it again takes many seconds on two cores. */
const BROWSER_TIMEOUT_MS = 180_000;

/** Peers of the benches have packages of their own. */
const FOREIGN = "**/node_modules/**";
const IN_WORKERD = "test/edge/**/*.test.ts";
const IN_BROWSER = [
  "test/browser/**/*.test.ts",
  "test/e2e/**/*.test.ts",
  "test/soak/**/*.test.ts",
  "test/churn/**/*.test.ts",
];

export default defineConfig({
  test: {
    // A rejected call to a Durable Object is reported a second time as unhandled, although the test has handled it:
    // https://github.com/cloudflare/workers-sdk/issues/14736. Such errors carry `remote: true`.
    onUnhandledError: (error) => ("remote" in error && error.remote === true ? false : undefined),
    coverage: {
      // Not v8: workerd does not offer V8's coverage to the test runner.
      provider: "istanbul",
      include: ["sdk/**/*.ts", "edge/**/*.ts"],
    },
    projects: [
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: [IN_WORKERD, ...IN_BROWSER, FOREIGN],
          testTimeout: UNIT_TIMEOUT_MS,
          hookTimeout: UNIT_TIMEOUT_MS,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { ADMIN_TOKEN: ADMIN_TOKEN_FOR_TESTS } },
          }),
        ],
        test: {
          name: "workerd",
          include: [IN_WORKERD],
          testTimeout: UNIT_TIMEOUT_MS,
          hookTimeout: UNIT_TIMEOUT_MS,
        },
      },
      {
        test: {
          name: "browser",
          include: IN_BROWSER,
          testTimeout: BROWSER_TIMEOUT_MS,
          hookTimeout: BROWSER_TIMEOUT_MS,
          // One browser and one server at a time: they are timed, and two at once would time each other.
          fileParallelism: false,
          // Real browsers, processes and clocks on a shared machine: a second failure is ours. The report names what was
          // run twice, and that is looked at too.
          retry: 1,
        },
      },
    ],
  },
});
