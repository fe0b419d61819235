/** JSON that a flag stands for: written out, in a file, or on standard input. */
import { readFileSync } from "node:fs";
import { CliError } from "./failure.ts";
import { jsonObject } from "./query-flags.ts";

/** @param source `{…}` itself, a file's name, or `-` for standard input */
export function readJsonObject(source: string): Record<string, unknown> {
  return jsonObject(source.trimStart().startsWith("{") ? source : readText(source));
}

function readText(source: string): string {
  try {
    return readFileSync(source === "-" ? 0 : source, "utf8");
  } catch (error) {
    throw new CliError(`cannot read ${source === "-" ? "standard input" : source}: ${(error as Error).message}`);
  }
}
