// The size of what a page loads: minified and compressed as a server would send it (brotli 11), held to a budget. Measured as
// a bundler sees it, from a page that tracks one event and follows static imports only; what is loaded later has budgets of
// its own, so that nothing hides there.
import { brotliCompressSync, constants } from "node:zlib";
import { bundleSdk, RUNGS } from "./sdk-bundles.mjs";

/** Bytes. The first two are promises; the others are where they stand, and a little. */
const BUDGETS = {
  "index.js": 7_500,
  "autocapture.js": 2_000,
  "worker-rung.js": 13_500,
  "page-rung.js": 10_500,
  "worker.js": 12_500,
  "headwater.js": 25_500,
};

/**
 * @typedef {object} Size
 * @property {string} name
 * @property {number} minified bytes
 * @property {number} brotli bytes
 * @property {number} budget bytes
 * @property {readonly string[]} foreign files in it that belong to the edge
 */

/** @returns {Promise<readonly Size[]>} */
export async function measureSizes() {
  const { transform } = await import("esbuild");
  const sizes = [];
  for (const [name, { text, inputs }] of await bundleSdk()) {
    const { code } = await transform(text, { minify: true });
    const minified = Buffer.from(code);
    const brotli = brotliCompressSync(minified, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
    const budget = BUDGETS[/** @type {keyof typeof BUDGETS} */ (name)];
    const foreign = inputs.filter((path) => path.startsWith("edge/"));
    sizes.push({ name, minified: minified.length, brotli, budget, foreign });
  }
  return sizes;
}

/**
 * @param {readonly Size[]} sizes
 * @returns {readonly string[]} what is wrong, in words
 */
export function judgeSizes(sizes) {
  return sizes.flatMap(({ name, brotli, budget, foreign }) => [
    ...(brotli > budget ? [`${name} has ${brotli} bytes; its budget is ${budget}`] : []),
    ...foreign.map((path) => `${name} has ${path} in it, which belongs to the edge`),
  ]);
}

/** @param {readonly Size[]} sizes */
export const sizesTable = (sizes) =>
  sizes.map(({ name, minified, brotli, budget }) => {
    const later = RUNGS.includes(name.replace(/\.js$/, "")) ? ", loaded later" : "";
    return `  ${name}: ${brotli} of ${budget} bytes (${minified} uncompressed${later})`;
  });
