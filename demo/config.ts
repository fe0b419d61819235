/**
 * Where the pages find their keys. Entered ones come first, then /config.json, which exists only in a development
 * checkout: a deployed demo has none, and the person at the keyboard is asked (connection-form.ts).
 */
import * as v from "valibot";

const ConnectionSchema = v.object({
  /** Origin of the edge; absent in /config.json: the one that served this page. */
  endpoint: v.optional(v.pipe(v.string(), v.url()), location.origin),
  stream: v.pipe(v.string(), v.nonEmpty()),
  writeKey: v.optional(v.string(), ""),
  readKey: v.optional(v.string(), ""),
  /** Served to a development checkout only; elsewhere it is asked for, and kept in memory (api.ts). */
  adminToken: v.optional(v.string(), ""),
});

/** A key that is an empty string is one that nobody gave. */
export type Connection = v.InferOutput<typeof ConnectionSchema>;

const STORED_AS = "headwater-demo-connection";

/** null: nobody has said yet how to connect. */
export async function loadConnection(): Promise<Connection | null> {
  return enteredConnection() ?? (await servedConnection());
}

/** What was entered in this tab. */
export function enteredConnection(): Connection | null {
  const text = sessionStorage.getItem(STORED_AS);
  return text === null ? null : parse(text);
}

/** Keeps a connection for as long as this tab lives, and no longer; but never the admin key, which no storage may hold. */
export function keepConnection(connection: Connection): void {
  sessionStorage.setItem(STORED_AS, JSON.stringify({ ...connection, adminToken: "" }));
}

async function servedConnection(): Promise<Connection | null> {
  try {
    const response = await fetch("/config.json", { cache: "no-store" });
    return response.ok ? parse(await response.text()) : null;
  } catch {
    return null;
  }
}

function parse(text: string): Connection | null {
  try {
    const parsed = v.safeParse(ConnectionSchema, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}
