/** What a command is run with. */
import type { CommandContext } from "@stricli/core";
import type { Environment } from "./connection.ts";

export interface Context extends CommandContext {
  readonly env: Environment;
  /** Set by a command that has done what it could, and not all of it. */
  readonly process: CommandContext["process"] & { exitCode: number | null };
}
