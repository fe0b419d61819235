/**
 * Where Headwater is, and who asks. Secrets come from the environment alone: a flag would show in the process list and in
 * the shell's history.
 */
import { UsageError } from "./failure.ts";

export type KeyKind = "admin" | "read" | "import";

const KEY_VARIABLES = {
  admin: ["HEADWATER_ADMIN_TOKEN", "the deployment's ADMIN_TOKEN"],
  read: ["HEADWATER_READ_KEY", "a read key of the stream (rk_…)"],
  import: ["HEADWATER_IMPORT_KEY", "an import key of the stream (ik_…)"],
} as const;

/** Where `npm start` serves. */
const URL_DEFAULT = "http://127.0.0.1:8787";

export type Environment = Readonly<Partial<Record<string, string>>>;

export interface ConnectionFlags {
  readonly url?: string;
}

export interface StreamFlags extends ConnectionFlags {
  readonly stream?: string;
}

const parseText = (text: string): string => text;

/** The flags of every command. */
export const CONNECTION_FLAGS = {
  url: {
    kind: "parsed",
    parse: parseText,
    optional: true,
    placeholder: "URL",
    brief: `where Headwater answers (or HEADWATER_URL; default ${URL_DEFAULT})`,
  },
} as const;

/** The flags of every command that is about one stream. */
export const STREAM_FLAGS = {
  ...CONNECTION_FLAGS,
  stream: {
    kind: "parsed",
    parse: parseText,
    optional: true,
    placeholder: "NAME",
    brief: "the stream (or HEADWATER_STREAM)",
  },
} as const;

/** @returns without a slash at its end */
export function urlOf({ url }: ConnectionFlags, env: Environment): string {
  const text = url ?? (env.HEADWATER_URL || URL_DEFAULT);
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UsageError(`${text} is no http or https URL: give one with --url, or in HEADWATER_URL.`);
  }
  return text.replace(/\/+$/, "");
}

export function streamOf({ stream }: StreamFlags, env: Environment): string {
  const name = stream ?? env.HEADWATER_STREAM;
  if (!name) throw new UsageError("which stream? Name it with --stream, or in HEADWATER_STREAM.");
  return name;
}

export function keyOf(kind: KeyKind, env: Environment): string {
  const [variable, what] = KEY_VARIABLES[kind];
  const key = env[variable];
  if (!key) throw new UsageError(`${variable} is not set: this needs ${what}, in the environment.`);
  return key;
}
