// From a fresh checkout to a running Headwater: worker, demo page and dashboard on http://127.0.0.1:8787, with a ready
// stream. Arguments go to `wrangler dev`, as in `npm start -- --port 9000`.
import { spawn } from "node:child_process";
import { bootstrap } from "./lib/bootstrap.mjs";
import { buildAll } from "./lib/build.mjs";
import { prepareDemoStream, readKept, writeDemoConfig } from "./lib/demo-stream.mjs";
import { assertFree, devArguments, HOST, portOf } from "./lib/dev-server.mjs";
import { environment, handOnSignals, root, UserError } from "./lib/project.mjs";

/** A first start on a busy machine bundles the worker and unpacks the runtime. */
const READY_TIMEOUT_MS = 120_000;

await bootstrap(async () => {
  const args = process.argv.slice(2);
  const port = portOf(args);
  const url = `http://${HOST}:${port}`;
  await assertFree(port);
  await buildAll();

  const kept = readKept();
  writeDemoConfig(kept); // before the server looks, where it is known already
  const server = startServer([...args, "--log-level", "warn", "--var", `ADMIN_TOKEN:${kept.adminToken}`]);
  try {
    await untilHealthy(url, server);
    const ready = await prepareDemoStream(url, kept);
    writeDemoConfig(ready);
    console.log(greeting(url, ready));
  } catch (error) {
    server.process.kill("SIGTERM");
    throw error;
  }
  return server.ended;
});

/** @param {readonly string[]} args */
function startServer(args) {
  const process_ = spawn(process.execPath, devArguments(args), { cwd: root, env: environment(), stdio: "inherit" });
  handOnSignals(process_);
  /** @type {Promise<number>} */
  const ended = new Promise((resolve) => process_.once("close", (code) => resolve(code ?? 0)));
  return { process: process_, ended };
}

/**
 * @param {string} url
 * @param {{ ended: Promise<number> }} server
 */
async function untilHealthy(url, { ended }) {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  const died = ended.then((code) => {
    throw new UserError(`the server ended with code ${code} before it was ready.`);
  });
  died.catch(() => {}); // looked at only while we wait
  while (Date.now() < deadline) {
    const ok = fetch(`${url}/health`).then(
      (response) => response.ok,
      () => false,
    );
    if (await Promise.race([ok, died])) return;
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 200)), died]);
  }
  throw new UserError(`the server did not answer on ${url}/health within ${READY_TIMEOUT_MS / 1000} s.`);
}

/**
 * @param {string} url
 * @param {import("./lib/demo-stream.mjs").Kept} kept
 */
function greeting(url, { adminToken, keys }) {
  return `
Headwater is running. Ctrl-C ends it; what it has stored stays in .wrangler/state.

  A page with ads to click   ${url}/
  Dashboard                  ${url}/dashboard
  API description            ${url}/openapi.json

Stream "clicks":
  write key    ${keys?.write}
  import key   ${keys?.import}
  read key     ${keys?.read}
  admin token  ${adminToken}

From another terminal (npx headwater --help):
  export HEADWATER_URL=${url} HEADWATER_STREAM=clicks
  export HEADWATER_READ_KEY=${keys?.read} HEADWATER_IMPORT_KEY=${keys?.import}
  export HEADWATER_ADMIN_TOKEN=${adminToken}
`;
}
