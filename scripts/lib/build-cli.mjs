// dist/cli: the command `headwater`, as one file that needs nothing but Node. What it is made of is bundled, so that whoever
// installs the package for a page gets no packages for it; the licences of what is inside lie beside it.
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot, UserError } from "./project.mjs";

/** What package.json's `engines` promises. */
const TARGET = "node20";

const outDir = inRoot("dist", "cli");

export async function buildCli() {
  const { build } = await import("esbuild");
  const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));
  const result = await build({
    absWorkingDir: inRoot(),
    entryPoints: { headwater: "cli/main.ts" },
    outdir: "dist/cli",
    write: false,
    bundle: true,
    metafile: true,
    format: "esm",
    platform: "node",
    target: TARGET,
    define: { HEADWATER_VERSION: JSON.stringify(version) },
    logLevel: "warning",
  }).catch(() => {
    throw new UserError("the command line does not build; see above."); // esbuild has printed why
  });
  rmSync(outDir, { recursive: true, force: true });
  mkdirSync(outDir, { recursive: true });
  const command = join(outDir, "headwater.js");
  writeFileSync(command, result.outputFiles[0]?.text ?? "");
  chmodSync(command, 0o755);
  writeFileSync(join(outDir, "LICENSES.txt"), licencesOf(Object.keys(result.metafile.inputs)));
}

/**
 * The licences of bundled packages, which want to be passed on with them.
 *
 * @param {readonly string[]} inputs the bundle's files, from the root
 */
function licencesOf(inputs) {
  const packages = inputs.flatMap((path) => /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  return [...new Set(packages)].toSorted().map(licenceOf).join("\n\n");
}

/** @param {string} name of a package */
function licenceOf(name) {
  const folder = inRoot("node_modules", name);
  const { version, license, author } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const by = typeof author === "object" ? author?.name : author;
  const text = file ? readFileSync(join(folder, file), "utf8") : `${license}${by ? `, ${by}` : ""}`;
  return `${name} ${version}\n${"-".repeat(40)}\n${text.trim()}\n`;
}
