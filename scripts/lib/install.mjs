// What a lock names, and whether it is there. The root has one; what the benches measure against has one of its own.
import { readFileSync } from "node:fs";
import { exists, inRoot, run } from "./project.mjs";

/**
 * Whether a folder's node_modules holds what its lock names. Compares the lock with npm's own record of what it installed,
 * because file times say little after a checkout. Packages for other platforms are optional, and may be absent.
 *
 * @param {string} folder relative to the root
 */
export function isInstalled(folder = ".") {
  if (!exists(`${folder}/node_modules/.package-lock.json`)) return false;
  const installed = packagesOf(`${folder}/node_modules/.package-lock.json`);
  return Object.entries(packagesOf(`${folder}/package-lock.json`)).every(([path, { version, optional }]) => {
    if (path === "") return true; // the project itself
    const found = installed[path];
    return found === undefined ? optional === true : found.version === version;
  });
}

/**
 * Installs exactly what a folder's lock names.
 *
 * @param {string} folder relative to the root
 * @param {Parameters<typeof run>[2]} [options]
 */
export function npmCi(folder = ".", options) {
  const args = ["ci", "--prefix", inRoot(folder), "--no-fund", "--no-audit", "--loglevel=error"];
  // Under `npm run` the very npm that is running; else the one on the path, which on Windows is a .cmd file.
  const npm = process.env.npm_execpath;
  return npm === undefined
    ? run(process.platform === "win32" ? "npm.cmd" : "npm", args, options)
    : run(process.execPath, [npm, ...args], options);
}

/**
 * @param {string} path of a lock file, relative to the root
 * @returns {Record<string, { version: string, optional?: boolean }>}
 */
function packagesOf(path) {
  return JSON.parse(readFileSync(inRoot(path), "utf8")).packages;
}
