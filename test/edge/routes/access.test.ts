/** Who may do what: every key on every route, and how a refusal is told. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { createApp, endpoints } from "../../../edge/routes/app.ts";
import { admin, ADMIN_TOKEN, call, expectProblem, read, TestStream } from "./client.ts";

let stream: TestStream;
beforeAll(async () => {
  stream = await TestStream.create();
});

const BODY = { last: "1h", events: [{}] };

/** An endpoint's path on the test's stream. */
const pathOf = (path: string) =>
  path
    .replace(":stream", stream.name)
    .replace(":view", "clicks_per_ad")
    .replace(":partition", "0")
    .replace(":adId", "ad-1")
    .replace(":id", "r-1");

const ask = (method: string, path: string, key?: string) =>
  call(method, pathOf(path), { key, ...(method === "GET" ? {} : { body: BODY }) });

const closed = endpoints.filter(({ access }) => access !== "open");
const of = (access: string) => endpoints.filter((endpoint) => endpoint.access === access);

describe("without a valid key", () => {
  it.each(closed)("$method $path answers 401", async ({ method, path }) => {
    await expectProblem(ask(method, path), 401, "unauthorized");
    const wrong = await ask(method, path, "wrong");
    expect(wrong.headers.get("WWW-Authenticate")).toMatch(/^Bearer/);
    await expectProblem(wrong, 401, "unauthorized");
  });

  it.each(["Basic d2s6", "Bearer", "Bearer ", "Bearer a b", "wk_1"])("Authorization: %s is no key", async (header) => {
    const headers = { Authorization: header };
    await expectProblem(call("POST", `${stream.path}/query`, { headers, body: BODY }), 401, "unauthorized");
  });

  it("a key of another stream is as good as none", async () => {
    const other = await TestStream.create();
    await expectProblem(stream.query(BODY, { key: other.keys.read }), 401, "unauthorized");
    await expectProblem(stream.append(BODY, { key: other.keys.write }), 401, "unauthorized");
  });
});

describe("with a valid key of the wrong kind", () => {
  it.each(of("read"))("$method $path answers 403", async ({ method, path }) => {
    for (const key of [stream.keys.write, stream.keys.import, ADMIN_TOKEN]) {
      await expectProblem(ask(method, path, key), 403, "forbidden");
    }
  });

  it.each(of("admin"))("$method $path answers 403", async ({ method, path }) => {
    for (const key of Object.values(stream.keys)) await expectProblem(ask(method, path, key), 403, "forbidden");
  });

  it.each(of("append"))("$method $path answers 403", async ({ method, path }) => {
    for (const key of [stream.keys.read, ADMIN_TOKEN]) await expectProblem(ask(method, path, key), 403, "forbidden");
  });
});

describe("a key in the query string", () => {
  const appendWith = (key: string) => call("POST", `${stream.path}/events?key=${key}`, { body: { events: [{}] } });

  it("opens appends, if it is a write key", async () => {
    expect((await appendWith(stream.keys.write)).status).toBe(200);
    await expectProblem(appendWith(stream.keys.import), 403, "forbidden");
    await expectProblem(appendWith("wk_wrong"), 401, "unauthorized");
  });

  it("opens nothing else", async () => {
    await expectProblem(
      call("POST", `${stream.path}/query?key=${stream.keys.read}`, { body: BODY }),
      401,
      "unauthorized",
    );
    await expectProblem(call("GET", `/admin/streams?key=${ADMIN_TOKEN}`), 401, "unauthorized");
  });

  it("does not count beside a header", async () => {
    const path = `${stream.path}/events?key=${stream.keys.write}`;
    await expectProblem(call("POST", path, { key: "wrong", body: { events: [{}] } }), 401, "unauthorized");
  });
});

describe("administration without ADMIN_TOKEN", () => {
  it.each([undefined, ""])("is off (%j)", async (token) => {
    const closedEnv = { ...env, ADMIN_TOKEN: token } as unknown as Env;
    const handler = (request: Request) => createApp().fetch(request, closedEnv);
    for (const key of [undefined, "", "undefined", ADMIN_TOKEN]) {
      await expectProblem(call("GET", "/admin/streams", { key }, handler), 503, "admin_disabled");
    }
  });
});

describe("an unknown stream", () => {
  it.each(["nobody-made-this", "Not-A-Name", "__proto__", "directory"])("%s answers 404", async (name) => {
    const path = `/v1/streams/${name}`;
    const key = stream.keys.read;
    await expectProblem(call("POST", `${path}/events`, { key, body: BODY }), 404, "unknown_stream");
    await expectProblem(call("POST", `${path}/query`, { key, body: BODY }), 404, "unknown_stream");
    await expectProblem(call("GET", `${path}/ads/top?last=1h`, { key }), 404, "unknown_stream");
    await expectProblem(admin("GET", `/streams/${name}`), 404, "unknown_stream");
  });
});

describe("what is not there", () => {
  it("answers 404, and 405 with what is allowed", async () => {
    await expectProblem(call("GET", "/v1/nothing"), 404, "not_found");
    await expectProblem(call("GET", "/v2/streams"), 404, "not_found");
    await expectProblem(admin("GET", "/nothing"), 404, "not_found");
    const wrongMethod = await call("GET", `${stream.path}/events`);
    expect(wrongMethod.headers.get("Allow")).toBe("POST");
    await expectProblem(wrongMethod, 405, "method_not_allowed");
    await expectProblem(call("DELETE", "/health"), 405, "method_not_allowed");
    await expectProblem(call("GET", `${stream.path}/live`), 426, "upgrade_required");
  });

  it("is /admin, even its existence, without a key", async () => {
    await expectProblem(call("GET", "/admin/nothing"), 401, "unauthorized");
  });
});

it("answers /health to everybody", async () => {
  expect(await read(call("GET", "/health"))).toEqual({ status: 200, body: { status: "ok" } });
});
