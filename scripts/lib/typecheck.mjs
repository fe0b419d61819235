// One compiler run per room, two at a time: rooms differ in the platform that they may see, so no single run can do.
import { statSync } from "node:fs";
import { exists, inRoot, runTool, UserError } from "./project.mjs";

const PROJECTS = [
  "tsconfig.json",
  "sdk/protocol/tsconfig.json",
  "edge/engine/tsconfig.json",
  "sdk/tsconfig.json",
  "sdk/tsconfig.worker.json",
  "edge/tsconfig.json",
  "demo/tsconfig.json",
  "cli/tsconfig.json",
  "test/tsconfig.json",
  "test/edge/tsconfig.json",
  "test/bench/tsconfig.json",
  "test/bench/sdk/tsconfig.json",
  "scripts/tsconfig.json",
];

const AT_ONCE = 2;

const RUNTIME_TYPES = "edge/worker-configuration.d.ts";

/** Prints what is wrong; resolves to whether nothing was. */
export async function typecheck() {
  await generateRuntimeTypes();
  const waiting = [...PROJECTS];
  /** @type {string[]} */
  const failed = [];
  const checkNext = async () => {
    for (let project = waiting.shift(); project !== undefined; project = waiting.shift()) {
      const { code, output } = await runTool("tsc", ["-p", project], { capture: true });
      if (code === 0) continue;
      failed.push(project);
      console.error(`${project}:\n${output}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, checkNext));
  return failed.length === 0;
}

/** Cloudflare's runtime as types, for the compatibility date in wrangler.toml. Kept until that or wrangler changes. */
async function generateRuntimeTypes() {
  const sources = ["wrangler.toml", "package-lock.json"].map(modifiedAt);
  if (exists(RUNTIME_TYPES) && modifiedAt(RUNTIME_TYPES) > Math.max(...sources)) return;
  const args = ["types", RUNTIME_TYPES, "--include-env=false"];
  const { code, output } = await runTool("wrangler", args, { capture: true });
  if (code !== 0) throw new UserError(`wrangler types failed:\n${output}`);
}

/** @param {string} path relative to the root */
const modifiedAt = (path) => statSync(inRoot(path)).mtimeMs;
