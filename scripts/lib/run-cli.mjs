// A command of the command line, run from its sources.
import process from "node:process";
import { bootstrap } from "./bootstrap.mjs";

/** @param {string} command */
export const runCli = (command) =>
  bootstrap(async () => {
    // npm runs scripts in the project's folder; the user names files from where they stand.
    process.chdir(process.env.INIT_CWD ?? ".");
    process.argv.splice(2, 0, command);
    // Only now: what it imports may have been installed a moment ago.
    await import("../../cli/main.ts");
    return Number(process.exitCode ?? 0);
  });
