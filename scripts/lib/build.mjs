// Builds what is served and shipped. While a room's sources do not exist yet, it is skipped, and said so.
import { mkdirSync } from "node:fs";
import { buildDemo } from "./build-demo.mjs";
import { buildSdk } from "./build-sdk.mjs";
import { exists, inRoot } from "./project.mjs";

const SDK_SOURCES = ["sdk/index.ts", "sdk/worker.ts", "sdk/script.ts"];
const DEMO_SOURCES = ["demo/index.html", "demo/dashboard.html"];

export async function buildAll() {
  mkdirSync(inRoot("dist/demo"), { recursive: true }); // wrangler wants the folder of its assets to exist
  if (isMissing(SDK_SOURCES)) return;
  console.log("Building the SDK …");
  await buildSdk();
  if (isMissing(DEMO_SOURCES)) return;
  console.log("Building the demo …");
  await buildDemo();
}

/** @param {readonly string[]} sources */
function isMissing(sources) {
  const missing = sources.filter((path) => !exists(path));
  if (missing.length > 0) console.log(`Not built: there is no ${missing.join(", ")} yet.`);
  return missing.length > 0;
}
