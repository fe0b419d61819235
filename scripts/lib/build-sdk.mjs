// dist/sdk: the bundles of the browser SDK (sdk-bundles.mjs), and the types of what the package exports.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { inRoot, runTool, UserError } from "./project.mjs";
import { bundleSdk } from "./sdk-bundles.mjs";

/** Files that pages load as they are, without a bundler. */
const MINIFIED = ["headwater.js", "worker.js"];

const outDir = inRoot("dist", "sdk");

export async function buildSdk() {
  rmSync(outDir, { recursive: true, force: true });
  mkdirSync(outDir, { recursive: true });
  for (const [name, { text, map }] of await bundles()) {
    // The others are not minified: they can be read as they are.
    const mapped = MINIFIED.includes(name);
    writeFileSync(join(outDir, name), mapped ? `${text}//# sourceMappingURL=${name}.map\n` : text);
    if (mapped) writeFileSync(join(outDir, `${name}.map`), map);
  }
  await emitTypes();
  // They are loaded by their address, and export nothing.
  for (const name of MINIFIED) writeFileSync(join(outDir, name.replace(/\.js$/, ".d.ts")), "export {};\n");
}

async function bundles() {
  try {
    return await bundleSdk();
  } catch {
    throw new UserError("the SDK does not build; see above."); // esbuild has printed why
  }
}

async function emitTypes() {
  const { code, output } = await runTool("tsc", ["-p", "sdk/tsconfig.build.json"], { capture: true });
  if (code !== 0) throw new UserError(`the SDK's types do not compile:\n${output}`);
  const used = new Set(["index.d.ts", "autocapture.d.ts"].map((file) => join(outDir, file)));
  for (const path of used) rewriteImports(path).forEach((imported) => used.add(imported));
  // The compiler writes those of every file that it has looked at.
  for (const file of readdirSync(outDir, { recursive: true, encoding: "utf8" })) {
    const path = join(outDir, file);
    if (file.endsWith(".d.ts") && !used.has(path)) rmSync(path);
  }
}

/**
 * In the package, types sit beside types: `#protocol` and `./x.ts` become paths that any TypeScript resolves.
 *
 * @param {string} path
 * @returns {readonly string[]} the files that it imports
 */
function rewriteImports(path) {
  const protocol = relative(dirname(path), join(outDir, "protocol", "index.js"))
    .split(sep)
    .join("/");
  const text = readFileSync(path, "utf8")
    .replaceAll(`"#protocol"`, JSON.stringify(protocol.startsWith(".") ? protocol : `./${protocol}`))
    .replace(/(["'])(\.{1,2}\/[^"']+)\.ts\1/g, "$1$2.js$1");
  writeFileSync(path, text);
  const imports = [...text.matchAll(/(?:from|import\() *"(\.{1,2}\/[^"]+)\.js"/g)];
  return imports.map(([, specifier]) => `${join(dirname(path), specifier ?? "")}.d.ts`);
}
