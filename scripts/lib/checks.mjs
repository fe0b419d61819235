// The checks that need no test runner. Each prints what is wrong, and says whether nothing was.
import { buildAll } from "./build.mjs";
import { runTool, UserError } from "./project.mjs";
import { judgeSizes, measureSizes, sizesTable } from "./sizes.mjs";
import { typecheck } from "./typecheck.mjs";

/** @type {readonly { name: string, passes: () => Promise<boolean> }[]} */
export const CHECKS = [
  { name: "Build", passes: builds }, // first: tests and types need what it makes
  { name: "Sizes", passes: withinBudgets },
  { name: "Types", passes: typecheck },
  { name: "Lint", passes: () => quietly("oxlint", ["--deny-warnings"]) },
  { name: "Format", passes: () => quietly("prettier", ["--check", "--log-level", "warn", "."]) },
];

async function builds() {
  try {
    await buildAll();
    return true;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    return false;
  }
}

async function withinBudgets() {
  const sizes = await measureSizes();
  for (const line of sizesTable(sizes)) console.log(line);
  const wrong = judgeSizes(sizes);
  for (const line of wrong) console.error(line);
  return wrong.length === 0;
}

/**
 * @param {"oxlint" | "prettier"} tool
 * @param {readonly string[]} args
 */
async function quietly(tool, args) {
  const { code, output } = await runTool(tool, args, { capture: true });
  if (code !== 0) console.error(output);
  return code === 0;
}
