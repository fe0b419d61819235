// Builds what is served and shipped. While a room's sources do not exist yet, it is skipped, and said so.
import { mkdirSync } from "node:fs";
import { buildDemo } from "./build-demo.mjs";
import { buildSdk } from "./build-sdk.mjs";
import { exists, inRoot } from "./project.mjs";

export async function buildAll() {
  mkdirSync(inRoot("dist/demo"), { recursive: true });
  if (!exists("sdk/index.ts")) return console.log("No sdk/index.ts yet: nothing built.");
  console.log("Building the SDK …");
  await buildSdk();
  if (!exists("demo/index.html")) return console.log("No demo/index.html yet: the demo is not built.");
  console.log("Building the demo …");
  await buildDemo();
}
