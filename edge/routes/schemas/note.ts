/** Who does something, and why: for whoever has to answer for a number later. */
import * as v from "valibot";
import type { Note } from "../../stream/rpc.ts";
import { CONFIG_LIMITS } from "../limits.ts";
import { closedObject, jsonObject, NumberSchema } from "./common.ts";

const textSchema = (max: number) =>
  v.pipe(
    v.string(),
    v.transform((text) => text.trim().toWellFormed()),
    v.minLength(1, "not empty"),
    v.maxLength(max, `at most ${max} characters`),
  );

export const NOTE_ENTRIES = {
  /** The admin token has no name of its own: what the caller says is what the ledger shows. */
  by: v.exactOptional(v.pipe(textSchema(CONFIG_LIMITS.byCharactersMax), v.description("Who; `admin` if absent"))),
  reason: v.exactOptional(v.pipe(textSchema(CONFIG_LIMITS.reasonCharactersMax), v.description("Why"))),
};

/** The note of a request; undefined if there is none. */
export const noteOf = ({ by, reason }: { readonly by?: string; readonly reason?: string }): Note | undefined =>
  by === undefined && reason === undefined ? undefined : { by: by ?? "admin", reason: reason ?? null };

export const NoteSchema = closedObject(NOTE_ENTRIES);

export const RollbackSchema = closedObject({
  ...NOTE_ENTRIES,
  to: v.exactOptional(
    v.pipe(
      NumberSchema,
      v.integer("the number of a generation"),
      v.minValue(1, "the number of a generation"),
      v.description("The generation to return to: nothing happens if it answers already"),
    ),
  ),
});

/** The same beside what else a body has. */
export const WithNoteSchema = v.pipe(jsonObject, v.looseObject(NOTE_ENTRIES));
