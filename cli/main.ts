#!/usr/bin/env node
/** The command `headwater`. */
import { run } from "@stricli/core";
import { buildApp } from "./app.ts";
import type { Environment } from "./connection.ts";
import { EXIT } from "./failure.ts";

/** The package's, written in by the build. */
declare const HEADWATER_VERSION: string | undefined;

// Whoever reads our output may have read enough: `headwater … | head` is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.ok);
});

const version = typeof HEADWATER_VERSION === "string" ? HEADWATER_VERSION : "development";
const { stdout, stderr } = process;
const env = process.env as Environment; // what is not set is not there
const outcome = { stdout, stderr, env, exitCode: null as number | null };
await run(buildApp(version), process.argv.slice(2).flatMap(joinDescending), { process: outcome, env });
// The parser numbers its own findings below zero, which no shell can show: the command was not understood.
process.exitCode = (outcome.exitCode ?? EXIT.ok) < 0 ? EXIT.usage : (outcome.exitCode ?? EXIT.ok);

/** `--order-by -clicks`, as the contract writes it, would else be read as the flags -c, -l, … */
function joinDescending(word: string, at: number, words: readonly string[]): string[] {
  if (words[at - 1] === "--order-by" && word.startsWith("-")) return [];
  const next = words[at + 1];
  return [word === "--order-by" && next?.startsWith("-") ? `${word}=${next}` : word];
}
