/** Who does something, and why: the ledger of a view shows it to whoever has to answer for a number later. */
import type { Environment } from "./connection.ts";
import { optionalText } from "./flags.ts";

export interface NoteFlags {
  readonly reason?: string;
  readonly by?: string;
}

export const NOTE_FLAGS = {
  reason: optionalText("why, for the view's ledger", "TEXT"),
  by: optionalText("who, for the view's ledger (or HEADWATER_BY; default admin)", "NAME"),
} as const;

/** The note as a request has it. */
export function noteOf({ reason, by }: NoteFlags, env: Environment): NoteFlags {
  const who = by ?? (env.HEADWATER_BY || undefined);
  return { ...(reason !== undefined && { reason }), ...(who !== undefined && { by: who }) };
}
