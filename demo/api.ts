/** A client of the public HTTP API: the questions that the dashboard asks, and the replays that it starts. */
import * as v from "valibot";
import {
  type Answer,
  AnswerSchema,
  type DiffRows,
  DiffRowsSchema,
  type Ledger,
  LedgerSchema,
  ProblemSchema,
  type Replay,
  ReplaySchema,
  ReplaysSchema,
  StartedSchema,
  type Stream,
  StreamSchema,
} from "./api-schemas.ts";
import type { Connection } from "./config.ts";
import type { Specification } from "./workbench/rule.ts";

/** Above the slowest honest answer, a log scan over everything; below a person's patience. */
const TIMEOUT_MS = 20_000;

type Scalar = string | number | boolean | null;

/** A question, as `POST /v1/streams/{stream}/query` takes it. */
export interface Query {
  /** Absent: whichever source gives all clicks. */
  readonly view?: string;
  readonly last?: string;
  readonly from?: number;
  readonly to?: number;
  readonly where?: Readonly<Record<string, Scalar | { readonly exists: boolean }>>;
  readonly groupBy?: readonly string[];
  readonly every?: string;
  readonly orderBy?: string;
  readonly limit?: number;
}

/** A replay to start: of a view as it is, or with another rule. */
export interface ReplayRequest {
  readonly view: string | (Specification & { readonly name: string });
  /** `build` makes a new generation beside the one in force; `verify` only compares. */
  readonly mode: "build" | "verify";
  readonly from?: string;
  readonly promote?: "manual" | "auto";
  /** Only with `auto`: beyond these shares it waits for somebody. */
  readonly promoteIf?: { readonly totalChangeMax?: number; readonly rowsChangedMax?: number };
  /** Share of the time that it may take while clicks arrive. */
  readonly maxDuty?: number;
  readonly by?: string;
  readonly reason?: string;
}

/** Who does something, and why; it stands in the ledger. What is absent was not said. */
export interface Note {
  readonly by?: string;
  readonly reason?: string;
}

/** The edge refused; `code` is stable, `detail` is for people. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** The edge did not answer at all, or not in time. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

export class Api {
  readonly #connection: Connection;
  /** In memory only: gone with the tab, and with a reload. */
  #adminToken: string;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#adminToken = connection.adminToken;
  }

  get canAdminister(): boolean {
    return this.#adminToken !== "";
  }

  /** Takes an admin key if the edge does; "" forgets the one there is. */
  async unlock(adminToken: string): Promise<void> {
    const before = this.#adminToken;
    this.#adminToken = adminToken;
    if (adminToken === "") return;
    try {
      await this.stream();
    } catch (error) {
      this.#adminToken = before;
      throw error;
    }
  }

  query(query: Query): Promise<Answer> {
    const path = `/v1/streams/${encodeURIComponent(this.#connection.stream)}/query`;
    return this.#call("POST", path, this.#connection.readKey, AnswerSchema, query);
  }

  stream(): Promise<Stream> {
    return this.#administer("GET", "", StreamSchema);
  }

  async replays(): Promise<readonly Replay[]> {
    return (await this.#administer("GET", "/replays", ReplaysSchema)).replays;
  }

  replay(id: string): Promise<Replay> {
    return this.#administer("GET", `/replays/${encodeURIComponent(id)}`, ReplaySchema);
  }

  async startReplay(request: ReplayRequest): Promise<Replay> {
    const { id } = await this.#administer("POST", "/replays", StartedSchema, request);
    return this.replay(id);
  }

  /** @param cursor the `next` of the page before; null: the first one */
  diffRows(id: string, by: string, cursor: string | null, limit: number): Promise<DiffRows> {
    const from = cursor === null ? "" : `&cursor=${cursor}`;
    return this.#administer(
      "GET",
      `/replays/${encodeURIComponent(id)}/diff?by=${by}&limit=${limit}${from}`,
      DiffRowsSchema,
    );
  }

  /** All rows, as text. */
  async diffCsv(id: string, by: string): Promise<string> {
    const stream = encodeURIComponent(this.#connection.stream);
    const path = `/admin/streams/${stream}/replays/${encodeURIComponent(id)}/diff?by=${by}`;
    const { response, text } = await this.#send("GET", path, this.#adminToken, undefined, "text/csv");
    if (!response.ok) throw problemOf(response, readJson(text));
    return text;
  }

  async promote(id: string, note: Note): Promise<void> {
    await this.#administer("POST", `/replays/${encodeURIComponent(id)}/promote`, v.unknown(), note);
  }

  async pause(id: string): Promise<void> {
    await this.#administer("POST", `/replays/${encodeURIComponent(id)}/pause`, v.unknown(), {});
  }

  async resume(id: string): Promise<void> {
    await this.#administer("POST", `/replays/${encodeURIComponent(id)}/resume`, v.unknown(), {});
  }

  async cancel(id: string): Promise<void> {
    await this.#administer("POST", `/replays/${encodeURIComponent(id)}/cancel`, v.unknown(), {});
  }

  /** @param to the generation that is to answer again: whoever presses twice, or after somebody else, means one rollback */
  async rollBack(view: string, to: number, note: Note): Promise<void> {
    await this.#administer("POST", `/views/${encodeURIComponent(view)}/rollback`, v.unknown(), { ...note, to });
  }

  /** @param before number of an entry: older ones are asked for; null: the newest */
  ledger(view: string, before: number | null): Promise<Ledger> {
    const page = before === null ? "" : `?before=${before}`;
    return this.#administer("GET", `/views/${encodeURIComponent(view)}/ledger${page}`, LedgerSchema);
  }

  #administer<T>(method: "GET" | "POST", path: string, schema: v.GenericSchema<unknown, T>, body?: object): Promise<T> {
    const whole = `/admin/streams/${encodeURIComponent(this.#connection.stream)}${path}`;
    return this.#call(method, whole, this.#adminToken, schema, body);
  }

  async #call<T>(
    method: "GET" | "POST",
    path: string,
    key: string,
    schema: v.GenericSchema<unknown, T>,
    body?: object,
  ): Promise<T> {
    const { response, text } = await this.#send(method, path, key, body);
    const answer = readJson(text);
    if (!response.ok) throw problemOf(response, answer);
    const parsed = v.safeParse(schema, answer);
    if (parsed.success) return parsed.output;
    const issue = parsed.issues[0];
    const where = v.getDotPath(issue) ?? "its body";
    throw new ApiProblem(response.status, "unexpected_answer", `${path} answered oddly in ${where}.`);
  }

  async #send(method: "GET" | "POST", path: string, key: string, body: object | undefined, accept?: string) {
    const headers: Record<string, string> = { Authorization: `Bearer ${key}`, ...(accept && { Accept: accept }) };
    const init: RequestInit = { method, headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    try {
      const response = await fetch(this.#connection.endpoint + path, init);
      return { response, text: await response.text() };
    } catch (cause) {
      throw new Unreachable(`${this.#connection.endpoint} does not answer.`, { cause });
    }
  }
}

function problemOf(response: Response, body: unknown): ApiProblem {
  const parsed = v.safeParse(ProblemSchema, body);
  if (!parsed.success) {
    return new ApiProblem(response.status, "unknown", `The edge answered ${response.status} without a reason.`);
  }
  const { code, detail, title } = parsed.output;
  return new ApiProblem(response.status, code, detail ?? title ?? code);
}

/** undefined: not JSON, as from a proxy in between. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
