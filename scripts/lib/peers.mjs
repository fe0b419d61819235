// The engines that `npm run bench` measures Headwater against. They are large and nobody else needs them, so they have a
// lock of their own, and are installed when somebody measures for the first time.
import { exists, inRoot, run } from "./project.mjs";

const FOLDER = "test/bench/peers";

/** @returns {Promise<string | null>} why they could not be installed; null if they are there */
export async function installPeers() {
  if (exists(`${FOLDER}/node_modules/.package-lock.json`)) return null;
  console.log("Installing what is measured against …");
  const args = ["ci", "--prefix", inRoot(FOLDER), "--no-fund", "--no-audit", "--loglevel=error"];
  const npm = process.env.npm_execpath;
  const { code, output } =
    npm === undefined
      ? await run(process.platform === "win32" ? "npm.cmd" : "npm", args, { capture: true })
      : await run(process.execPath, [npm, ...args], { capture: true });
  return code === 0 ? null : `npm ci in ${FOLDER} failed: ${output.trim()}`;
}
