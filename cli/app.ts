/** The commands, and how the command line speaks: help, mistakes, failures. */
import { buildApplication, buildRouteMap, text_en } from "@stricli/core";
import { diff } from "./commands/diff.ts";
import { exportCommand } from "./commands/export.ts";
import { importCommand } from "./commands/import.ts";
import { ledger } from "./commands/ledger.ts";
import { promote, rollback } from "./commands/promote.ts";
import { query } from "./commands/query.ts";
import { replay } from "./commands/replay.ts";
import { replays } from "./commands/replays.ts";
import { streams } from "./commands/streams.ts";
import { tail } from "./commands/tail.ts";
import { views } from "./commands/views.ts";
import type { Context } from "./context.ts";
import { CliError, EXIT } from "./failure.ts";
import { harmless } from "./output.ts";

const routes = buildRouteMap({
  routes: {
    streams,
    query,
    views,
    replay,
    replays,
    diff,
    promote,
    rollback,
    ledger,
    import: importCommand,
    export: exportCommand,
    tail,
  },
  docs: {
    brief: "Headwater from a terminal",
    fullDescription: `Headwater from a terminal: ask, replay, decide, and move clicks in and out, over the public HTTP API.

ENVIRONMENT
  HEADWATER_URL          where Headwater answers; default http://127.0.0.1:8787, where npm start serves
  HEADWATER_STREAM       the stream that commands are about, unless --stream names one
  HEADWATER_READ_KEY     for query
  HEADWATER_IMPORT_KEY   for import
  HEADWATER_ADMIN_TOKEN  for everything else
  HEADWATER_BY           who you are, for the ledgers of views
Keys are taken from the environment only: flags show in process lists and shell histories.
NO_COLOR turns colours off. HEADWATER_DEBUG=1 shows the stack of a failure.

EXIT CODES
  0 done   1 could not be done   2 not understood   130 ended by Ctrl-C

EXAMPLES
  export HEADWATER_STREAM=clicks HEADWATER_READ_KEY=rk_… HEADWATER_ADMIN_TOKEN=…
  headwater query --last 1h --group-by adId --order-by -clicks --limit 10
  headwater streams show clicks
  headwater query --help`,
  },
});

/** What is printed of an error: its own words; a stack only of one that nobody expected, and only if asked for. */
function describe(error: unknown): string {
  const wantsStack = Boolean(process.env.HEADWATER_DEBUG);
  if (error instanceof CliError) return harmless(wantsStack ? (error.stack ?? error.message) : error.message);
  // A folder that is not there, a disk that is full: the system has the words for it.
  if (error instanceof Error && "syscall" in error && !wantsStack) return harmless(error.message);
  const message = error instanceof Error ? (wantsStack ? (error.stack ?? "") : error.message) : String(error);
  return `${message}\n(This is a defect of the command line${wantsStack ? "" : "; HEADWATER_DEBUG=1 shows where"}.)`;
}

const spoken = (error: unknown): string => `headwater: ${describe(error)}`;

export const buildApp = (version: string) =>
  buildApplication<Context>(routes, {
    name: "headwater",
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    documentation: { onlyRequiredInUsageLine: true },
    determineExitCode: (error) => (error instanceof CliError ? error.exitCode : EXIT.failure),
    localization: {
      text: {
        ...text_en,
        exceptionWhileRunningCommand: spoken,
        commandErrorResult: spoken,
        exceptionWhileLoadingCommandFunction: spoken,
        exceptionWhileParsingArguments: (error, ansiColor) =>
          `headwater: ${text_en.exceptionWhileParsingArguments.call({ formatException: describe }, error, ansiColor)}\nSee --help.`,
        noCommandRegisteredForInput: (given) => `headwater: ${text_en.noCommandRegisteredForInput(given)}\nSee --help.`,
      },
    },
  });
