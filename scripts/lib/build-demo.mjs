// dist/demo: the publisher's page and the dashboard, and beside them the SDK's script tag and worker, so that an
// endpoint serves them to the sites that report to it.
import { copyFileSync } from "node:fs";
import { inRoot, runTool, UserError } from "./project.mjs";

/** Needs dist/sdk. */
export async function buildDemo() {
  const { code, output } = await runTool("vite", ["build", "--logLevel", "warn"], { capture: true });
  if (code !== 0) throw new UserError(`the demo does not build:\n${output}`);
  for (const file of ["headwater.js", "worker.js"]) copyFileSync(inRoot("dist/sdk", file), inRoot("dist/demo", file));
}
