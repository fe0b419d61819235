/** The public HTTP API as a stranger calls it; nothing here knows the code behind it. */

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface Keys {
  readonly write: string;
  readonly read: string;
  readonly import: string;
}

export type Row = Readonly<Record<string, string | number | boolean | null>>;

export interface QueryAnswer {
  readonly source: string;
  readonly rows: readonly Row[];
  readonly truncated: boolean;
  readonly from: number;
  readonly to: number;
  readonly watermark: number;
  readonly final: boolean;
  readonly complete: boolean;
  readonly missing: readonly Record<string, unknown>[];
  readonly carried: readonly Record<string, unknown>[];
  readonly asOf: readonly { readonly partition: number; readonly offset: number }[];
  readonly stats: { readonly recordsScanned: number; readonly elapsedMs: number };
}

export async function call<T = Record<string, unknown>>(
  url: string,
  init: { method?: string; key?: string; json?: unknown; headers?: Record<string, string>; body?: BodyInit } = {},
): Promise<Answer<T>> {
  const headers = new Headers(init.headers);
  if (init.key !== undefined) headers.set("Authorization", `Bearer ${init.key}`);
  if (init.json !== undefined) headers.set("Content-Type", "application/json");
  const body = init.json === undefined ? init.body : JSON.stringify(init.json);
  const response = await fetch(url, { method: init.method ?? (body ? "POST" : "GET"), headers, ...(body && { body }) });
  const text = await response.text();
  const isJson = response.headers.get("Content-Type")?.includes("json") ?? false;
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T };
}

/** One stream of one server, with its keys. */
export class StreamClient {
  readonly url: string;
  readonly name: string;
  readonly keys: Keys;
  readonly #adminToken: string;

  private constructor(url: string, name: string, keys: Keys, adminToken: string) {
    this.url = url;
    this.name = name;
    this.keys = keys;
    this.#adminToken = adminToken;
  }

  static async create(
    server: { url: string; adminToken: string },
    name: string,
    config: object,
  ): Promise<StreamClient> {
    const { status, body } = await call<{ keys: Keys }>(`${server.url}/admin/streams/${name}`, {
      method: "PUT",
      key: server.adminToken,
      json: config,
    });
    if (status !== 201) throw new Error(`stream ${name} was not created: ${status} ${JSON.stringify(body)}`);
    return new StreamClient(server.url, name, body.keys, server.adminToken);
  }

  admin<T = Record<string, unknown>>(method: string, path = "", json?: unknown): Promise<Answer<T>> {
    return call<T>(`${this.url}/admin/streams/${this.name}${path}`, { method, key: this.#adminToken, json });
  }

  append(batch: object, key: string = this.keys.write, headers: Record<string, string> = {}): Promise<Answer> {
    return call(`${this.url}/v1/streams/${this.name}/events`, { method: "POST", key, json: batch, headers });
  }

  ask(query: object): Promise<Answer<QueryAnswer>> {
    return call<QueryAnswer>(`${this.url}/v1/streams/${this.name}/query`, { key: this.keys.read, json: query });
  }

  /** A query that must be answered. */
  async query(query: object): Promise<QueryAnswer> {
    const { status, body } = await this.ask(query);
    if (status !== 200) throw new Error(`${JSON.stringify(query)} answered ${status} ${JSON.stringify(body)}`);
    return body;
  }

  get(path: string): Promise<Answer> {
    return call(`${this.url}/v1/streams/${this.name}${path}`, { key: this.keys.read });
  }

  /** Polls a replay until it is in one of the states. */
  async replayUntil(id: string, states: readonly string[], timeoutMs = 120_000): Promise<Record<string, unknown>> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const { body } = await this.admin("GET", `/replays/${id}`);
      if (states.includes(String(body.state))) return body;
      if (Date.now() > deadline) throw new Error(`replay ${id} stands at ${JSON.stringify(body)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Every record of one partition, in offset order, from its log start on. */
  async records(partition: number): Promise<readonly Row[]> {
    const records: Row[] = [];
    let from = "";
    for (;;) {
      const page = await this.admin<{ records: Row[]; next: number; logEnd: number }>(
        "GET",
        `/partitions/${partition}/records?limit=1000${from}`,
      );
      if (page.status !== 200) throw new Error(`records of ${partition}: ${JSON.stringify(page.body)}`);
      records.push(...page.body.records);
      from = `&offset=${page.body.next}`;
      if (page.body.next >= page.body.logEnd || page.body.records.length === 0) return records;
    }
  }
}
