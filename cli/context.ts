/** What a command is run with. */
import type { CommandContext } from "@stricli/core";
import type { Environment } from "./connection.ts";

export interface Context extends CommandContext {
  readonly env: Environment;
}
