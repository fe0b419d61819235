import { expect, test } from "vitest";
import { judgeSizes } from "../../scripts/lib/sizes.mjs";

const size = { name: "index.js", minified: 20_000, brotli: 7_500, budget: 7_500, foreign: [] };

test("a bundle within its budget, with nothing of the edge in it, is in order", () => {
  expect(judgeSizes([size])).toEqual([]);
});

test("a byte too many is said", () => {
  expect(judgeSizes([{ ...size, brotli: 7_501 }])).toEqual(["index.js has 7501 bytes; its budget is 7500"]);
});

test("a file of the edge in a page is said", () => {
  const foreign = ["edge/engine/fold.ts"];
  expect(judgeSizes([{ ...size, foreign }])).toEqual([
    "index.js has edge/engine/fold.ts in it, which belongs to the edge",
  ]);
});
