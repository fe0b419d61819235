/** A client of the worker, and a stream of its own for every test: black box, through HTTP alone. */
import { env, exports } from "cloudflare:workers";
import { expect } from "vitest";
import type { AppendReply } from "#protocol";
import type { QueryAnswer } from "../../../edge/routes/schemas/query.ts";

export const EDGE = "https://headwater.test";
export const ADMIN_TOKEN = env.ADMIN_TOKEN ?? "";

export interface Call {
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is if it is a string, bytes or a stream; else as JSON. */
  readonly body?: unknown;
  readonly cf?: Partial<IncomingRequestCfProperties>;
}

/** RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly [number: string]: unknown;
}

export interface TestRecord {
  readonly offset: number;
  readonly appendTime: number;
  readonly time: number;
  readonly [attribute: string]: unknown;
}

export interface TestDescription {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly views: readonly Readonly<Record<string, unknown>>[];
  readonly keys: readonly Readonly<Record<string, unknown>>[];
  readonly partitions: readonly Readonly<Record<string, number>>[];
}

type Handler = (request: Request) => Response | Promise<Response>;

/** Sends one request. `handler`: instead of the worker under test. */
export async function call(method: string, path: string, { key, headers, body, cf }: Call = {}, handler?: Handler) {
  const raw = typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream;
  const init: RequestInit = {
    method,
    headers: {
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: raw ? (body as BodyInit) : JSON.stringify(body) }),
    ...(cf === undefined ? {} : { cf }),
  };
  const request = new Request(EDGE + path, init);
  return handler === undefined ? exports.default.fetch(request) : handler(request);
}

/** The status and the JSON of an answer. */
export async function read<Body = unknown>(
  response: Response | Promise<Response>,
): Promise<{ readonly status: number; readonly body: Body }> {
  const answer = await response;
  return { status: answer.status, body: answer.status === 204 ? (null as Body) : await answer.json<Body>() };
}

/** The JSON of an answer that has to be a success. */
export async function expectOk<Body = unknown>(response: Response | Promise<Response>): Promise<Body> {
  const { status, body } = await read<Body>(response);
  expect({ status, body }).toMatchObject({ status: expect.toBeOneOf([200, 201, 202]) });
  return body;
}

/** Expects an RFC 9457 answer with this status and code, and gives its body. */
export async function expectProblem(
  response: Response | Promise<Response>,
  status: number,
  code: string,
): Promise<Problem> {
  const answer = await response;
  const text = await answer.text();
  expect({ status: answer.status, text }).toMatchObject({ status, text: expect.stringContaining(`"code":"${code}"`) });
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
  const problem = JSON.parse(text) as Problem;
  expect(problem).toMatchObject({ status, code, type: expect.any(String), title: expect.any(String) });
  expect(problem.detail).toEqual(expect.any(String));
  return problem;
}

export const admin = (method: string, path: string, options: Call = {}) =>
  call(method, `/admin${path}`, { key: ADMIN_TOKEN, ...options });

let streams = 0;

/** A stream, its keys, and what one does with it. */
export class TestStream {
  readonly name: string;
  readonly keys: { readonly write: string; readonly read: string; readonly import: string };

  constructor(name: string, keys: TestStream["keys"]) {
    this.name = name;
    this.keys = keys;
  }

  static async create(config: object = {}): Promise<TestStream> {
    const name = `stream-${streams++}-${Math.random().toString(36).slice(2)}`;
    const { keys } = await expectOk<{ keys: TestStream["keys"] }>(admin("PUT", `/streams/${name}`, { body: config }));
    return new TestStream(name, keys);
  }

  get path(): string {
    return `/v1/streams/${this.name}`;
  }

  /** With the write key, unless another one is given. */
  append(body: unknown, options: Call = {}): Promise<Response> {
    return call("POST", `${this.path}/events`, { key: this.keys.write, body, ...options });
  }

  async appended(body: unknown, options: Call = {}): Promise<AppendReply> {
    return expectOk(this.append(body, options));
  }

  /** Events with times of their own, as a server loads them. */
  imported(events: readonly object[], options: Call = {}): Promise<AppendReply> {
    return this.appended({ events }, { key: this.keys.import, ...options });
  }

  query(body: unknown, options: Call = {}): Promise<Response> {
    return call("POST", `${this.path}/query`, { key: this.keys.read, body, ...options });
  }

  async answer(body: unknown): Promise<QueryAnswer> {
    return expectOk(this.query(body));
  }

  get(path: string): Promise<Response> {
    return call("GET", this.path + path, { key: this.keys.read });
  }

  admin(method: string, path = "", options: Call = {}): Promise<Response> {
    return admin(method, `/streams/${this.name}${path}`, options);
  }

  /** All records of one partition, in order. */
  async records(partition = 0): Promise<readonly TestRecord[]> {
    const path = `/partitions/${partition}/records?limit=10000`;
    return (await expectOk<{ records: readonly TestRecord[] }>(this.admin("GET", path))).records;
  }

  async describe(): Promise<TestDescription> {
    return expectOk(this.admin("GET"));
  }

  /** Records of all partitions together. */
  async recordCount(): Promise<number> {
    const { partitions } = await this.describe();
    return partitions.reduce((sum, { records = Number.NaN }) => sum + records, 0);
  }
}
