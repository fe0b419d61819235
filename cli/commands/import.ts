/** `headwater import`: a CSV file into a stream. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { buildCommand } from "@stricli/core";
import { keyOf, STREAM_FLAGS, type StreamFlags, streamOf, urlOf } from "../connection.ts";
import type { Context } from "../context.ts";
import { CliError, EXIT, UsageError } from "../failure.ts";
import { argument, optionalText, severalTexts, text } from "../flags.ts";
import { runImport } from "../import/run.ts";
import { untilInterrupted } from "../interrupt.ts";

interface Flags extends StreamFlags {
  readonly time?: string;
  readonly ad?: string;
  readonly user?: string;
  readonly number?: readonly string[];
  readonly rename?: readonly string[];
  readonly skip?: readonly string[];
  readonly importId?: string;
  readonly endpoint?: string;
  readonly key?: string;
}

/** `npm run import` was called with these before there was a command line. */
const EARLIER = { kind: "parsed", parse: text, optional: true, hidden: true } as const;

export const importCommand = buildCommand<Flags, [file: string], Context>({
  docs: {
    brief: "Load a CSV file into a stream; run again, it adds nothing twice",
    fullDescription: `Load a CSV file, gzipped or not, into a stream. Needs HEADWATER_IMPORT_KEY.

The header's names become attributes; an empty cell is an absent attribute; cells are strings unless said otherwise.
It can be stopped at any time and run again: which rows the edge has follows from the file's content alone.
Ends with 1 if rows were rejected, and says why; the others are in the log.

EXAMPLES
  headwater import clicks.csv.gz --time event_time_ms --ad ad_id --user user_id
  headwater import export.csv --skip partition --skip offset --skip appendTime --number price`,
  },
  parameters: {
    flags: {
      ...STREAM_FLAGS,
      time: optionalText("event time: milliseconds since the epoch, or ISO 8601 (default: the column time)", "COLUMN"),
      ad: optionalText("becomes adId", "COLUMN"),
      user: optionalText("becomes userId", "COLUMN"),
      number: severalTexts("its cells are numbers; may be repeated", "COLUMN"),
      rename: severalTexts("gives a column another name; may be repeated", "OLD=NEW"),
      skip: severalTexts("leaves a column out; may be repeated", "COLUMN"),
      importId: optionalText("names this import, instead of the file's content: for a file that has grown", "ID"),
      endpoint: { ...EARLIER, brief: "the same as --url" },
      key: { ...EARLIER, brief: "the import key, for all to see; better in HEADWATER_IMPORT_KEY" },
    },
    positional: { kind: "tuple", parameters: [argument("FILE", "a CSV file, gzipped or not")] },
  },
  async func(flags, name) {
    const { time, ad, user, number, rename, skip, importId, key } = flags;
    const address = flags.url ?? flags.endpoint;
    const url = urlOf(address === undefined ? {} : { url: address }, this.env);
    const path = `/v1/streams/${encodeURIComponent(streamOf(flags, this.env))}/events`;
    const file = resolve(name);
    if (!existsSync(file)) throw new CliError(`there is no file ${file}.`);
    const renames = new Map((rename ?? []).map(parseRename));
    if (ad !== undefined) renames.set(ad, "adId");
    if (user !== undefined) renames.set(user, "userId");
    const mapping = { time, numbers: new Set(number), renames, skipped: new Set(skip) };
    const target = { url: url + path, key: key ?? keyOf("import", this.env) };
    const isWhole = await untilInterrupted(
      (signal) => runImport({ ...target, signal, file, importId, mapping }),
      () => "stopped. Run the same command again to go on: nothing is counted twice.",
    );
    if (!isWhole) this.process.exitCode = EXIT.failure;
  },
});

function parseRename(rename: string): [string, string] {
  const [from, to, ...more] = rename.split("=");
  if (!from || !to || more.length > 0) throw new UsageError(`--rename ${rename} is not OLD=NEW.`);
  return [from, to];
}
