/** The rows of a replay's diff: page by page, or all of them as CSV. */
import * as v from "valibot";
import { fail, ok, type Result } from "#protocol";
import type { DiffCursor, DiffRowsPage, DiffRowsRequest, StreamRpc } from "../stream/rpc.ts";
import { administeredStream, parseParameters } from "./admin-request.ts";
import { csvCell, csvHeaders } from "./csv.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import { DIFF_LIMITS } from "./limits.ts";
import { negotiate } from "./negotiate.ts";
import { closedObject, integerParameter } from "./schemas/common.ts";
import type { StreamDirectory } from "./stream-access.ts";

const OFFERED = ["application/json", "text/csv"] as const;

const CURSOR = /^(row|window|key)\.([01])\.(\d{1,16})\.(\d{1,16})\.(\d{1,9})$/;

const PARAMETERS = {
  by: v.exactOptional(v.picklist(["row", "window", "key"], "`row` (window and key), `window` or `key`")),
  changed: v.exactOptional(v.picklist(["true", "false"], "`true`: only rows that differ; or `false`")),
  limit: v.exactOptional(integerParameter(1, DIFF_LIMITS.pageMax)),
  cursor: v.exactOptional(v.pipe(v.string(), v.regex(CURSOR, "the `next` of a page before"))),
};

const DiffRowsSchema = v.object({
  rows: v.pipe(
    v.array(v.record(v.string(), v.unknown())),
    v.description("`time`, the key's attributes, and `{before, after}` for each measure; in the order of time and key"),
  ),
  next: v.pipe(v.nullable(v.string()), v.description("The `cursor` of the next page; null: that was all")),
});

async function readDiff(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const type = negotiate(c.req.header("Accept"), OFFERED);
  if (type === undefined) return fail({ reason: "not_acceptable", offered: OFFERED });
  const stream = await administeredStream(c, directory);
  if (!stream.ok) return stream;
  const parameters = parseParameters(c, closedObject(PARAMETERS));
  if (!parameters.ok) return parameters;
  const asked = requestOf(parameters.value);
  if (asked === null) {
    return fail({ reason: "invalid_request", path: "cursor", detail: "is of another `by` or `changed`" });
  }
  const id = c.req.param("id") ?? "";
  const request = type === "text/csv" ? { ...asked, limit: DIFF_LIMITS.pageMax } : asked;
  const page = await stream.value.object.diffRows(id, request);
  if (!page.ok) return page;
  if (type === "text/csv") return ok(csvOf(stream.value.object, id, request, page.value));
  const { rows, next } = page.value;
  return ok(c.json({ rows, next: next === null ? null : cursorText(request, next) }));
}

type Asked = v.InferOutput<v.ObjectSchema<typeof PARAMETERS, undefined>>;

/** Null: the cursor belongs to another question. */
function requestOf({ by, changed, limit = DIFF_LIMITS.pageDefault, cursor }: Asked): DiffRowsRequest | null {
  const told = cursor === undefined ? null : CURSOR.exec(cursor);
  if (told === null) {
    const start = { day: 0, window: 0, index: 0 };
    return { by: by ?? "row", onlyChanged: changed !== "false", limit, cursor: start };
  }
  const [, toldBy, onlyChanged, day, window, index] = told;
  if (
    (by !== undefined && by !== toldBy) ||
    (changed !== undefined && (changed === "true") !== (onlyChanged === "1"))
  ) {
    return null;
  }
  return {
    by: toldBy as DiffRowsRequest["by"],
    onlyChanged: onlyChanged === "1",
    limit,
    cursor: { day: Number(day), window: Number(window), index: Number(index) },
  };
}

const cursorText = ({ by, onlyChanged }: DiffRowsRequest, { day, window, index }: DiffCursor): string =>
  [by, onlyChanged ? 1 : 0, day, window, index].join(".");

/** All pages from the first on, as they come. One that fails breaks the answer off, so that a part is not taken for the whole. */
function csvOf(stream: StreamRpc, id: string, request: DiffRowsRequest, first: DiffRowsPage): Response {
  let columns: readonly string[] | null = null;
  let page: DiffRowsPage | null = first;
  const text = new ReadableStream<string>({
    async pull(controller) {
      if (page === null) return controller.close();
      if (columns === null && page.rows[0] !== undefined) {
        columns = Object.keys(page.rows[0]);
        const sample = page.rows[0];
        const names = columns.flatMap((name) => (isPair(sample[name]) ? [`${name}_before`, `${name}_after`] : [name]));
        controller.enqueue(lineOf(names));
      }
      // A pull has to give something, or there is none after it.
      controller.enqueue(
        page.rows.map((row) => lineOf((columns ?? []).flatMap((name) => cellsOf(row[name])))).join(""),
      );
      if (page.next === null) {
        page = null;
        return;
      }
      const next = await stream.diffRows(id, { ...request, cursor: page.next });
      if (!next.ok) throw new Error(`the diff breaks off: ${next.failure.reason}`);
      page = next.value;
    },
  });
  return new Response(text.pipeThrough(new TextEncoderStream()), { headers: csvHeaders });
}

const lineOf = (cells: readonly unknown[]): string =>
  `${cells.map((cell) => csvCell(cell as Parameters<typeof csvCell>[0])).join(",")}\r\n`;

const isPair = (value: unknown): value is { readonly before: number | null; readonly after: number | null } =>
  typeof value === "object" && value !== null;

const cellsOf = (value: unknown): readonly unknown[] => (isPair(value) ? [value.before, value.after] : [value]);

export const diffEndpoints: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/admin/streams/:stream/replays/:id/diff",
    summary: "The rows that a replay would change, or has changed, page by page; as CSV, all of them at once",
    access: "admin",
    parameters: PARAMETERS,
    answers: { 200: { description: "A page", schema: DiffRowsSchema, otherTypes: ["text/csv"] } },
    failures: [
      "unknown_stream",
      "unknown_replay",
      "invalid_request",
      "not_acceptable",
      "no_diff",
      "partition_unavailable",
    ],
    handle: readDiff,
  },
];
