// Builds what is served and shipped.
import { buildCli } from "./build-cli.mjs";
import { buildDemo } from "./build-demo.mjs";
import { buildSdk } from "./build-sdk.mjs";

export async function buildAll() {
  console.log("Building the SDK …");
  await buildSdk();
  console.log("Building the command line …");
  await buildCli();
  console.log("Building the demo …");
  await buildDemo();
}
