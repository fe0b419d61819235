// The checks that need no test runner. Each prints what is wrong, and says whether nothing was.
import { runTool } from "./project.mjs";
import { typecheck } from "./typecheck.mjs";

/** @type {readonly { name: string, passes: () => Promise<boolean> }[]} */
export const CHECKS = [
  { name: "Types", passes: typecheck },
  { name: "Lint", passes: () => quietly("oxlint", ["--deny-warnings"]) },
  { name: "Format", passes: () => quietly("prettier", ["--check", "--log-level", "warn", "."]) },
];

/**
 * @param {"oxlint" | "prettier"} tool
 * @param {readonly string[]} args
 */
async function quietly(tool, args) {
  const { code, output } = await runTool(tool, args, { capture: true });
  if (code !== 0) console.error(output);
  return code === 0;
}
