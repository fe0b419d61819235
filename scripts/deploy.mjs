// Builds and deploys with wrangler; arguments go to `wrangler deploy`. `npm run deploy -- --dry-run` does everything but
// the deploying. The size is checked first, on the very bundle that wrangler makes.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bootstrap } from "./lib/bootstrap.mjs";
import { buildAll } from "./lib/build.mjs";
import { removeDemoConfig } from "./lib/demo-stream.mjs";
import { runTool, UserError } from "./lib/project.mjs";

/** A third of what Cloudflare's free plan takes, so that a start from cold stays quick. */
const GZIPPED_BYTES_MAX = 1024 * 1024;

await bootstrap(async () => {
  const args = process.argv.slice(2);
  await buildAll();
  // Written by `npm start`: it holds keys of a local stream, which are nobody's business elsewhere.
  removeDemoConfig();

  const bytes = await bundleBytes(args);
  const size = `${(bytes / 1024).toFixed(1)} KiB gzipped`;
  if (bytes > GZIPPED_BYTES_MAX) throw new UserError(`the worker is ${size}; the bound is 1,024 KiB.`);
  if (args.includes("--dry-run")) {
    console.log(`The worker is ${size} (bound: 1,024 KiB). Nothing was deployed.`);
    return 0;
  }
  console.log(`The worker is ${size} (bound: 1,024 KiB). Deploying …`);
  return (await runTool("wrangler", ["deploy", ...args])).code;
});

/**
 * Bundles without deploying; the sum of what would be uploaded, each file gzipped.
 *
 * @param {readonly string[]} args
 */
async function bundleBytes(args) {
  const dir = mkdtempSync(join(tmpdir(), "headwater-bundle-"));
  try {
    const dryRun = [...args.filter((arg) => arg !== "--dry-run"), "--dry-run", "--outdir", dir];
    const { code, output } = await runTool("wrangler", ["deploy", ...dryRun], { capture: true });
    if (code !== 0) throw new UserError(`wrangler deploy --dry-run failed:\n${output}`);
    const files = readdirSync(dir).filter((file) => !file.endsWith(".map") && file !== "README.md");
    return files.reduce((sum, file) => sum + gzipSync(readFileSync(join(dir, file))).length, 0);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
