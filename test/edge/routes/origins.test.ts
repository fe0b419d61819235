/** Which pages may send and read: CORS, errors and preflights included. */
import { beforeAll, describe, expect, it } from "vitest";
import { admin, call, EDGE, expectProblem, TestStream } from "./client.ts";

const PAGE = "https://example.com";
const FOREIGN = "https://elsewhere.example";

let stream: TestStream;
beforeAll(async () => {
  stream = await TestStream.create({ allowedOrigins: [PAGE] });
});

const from = (origin: string) => ({ headers: { Origin: origin } });
const EVENTS = { events: [{}] };

function expectAllowed(response: Response, origin: string): void {
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "access-control-allow-origin": origin,
    "access-control-expose-headers": "Retry-After",
    vary: expect.stringContaining("Origin"),
  });
  expect(response.headers.has("Access-Control-Allow-Credentials")).toBe(false);
}

function expectNotAllowed(response: Response): void {
  expect(response.headers.has("Access-Control-Allow-Origin")).toBe(false);
}

describe("an allowed origin", () => {
  it("appends, and reads the answer", async () => {
    const response = await stream.append(EVENTS, from(PAGE));
    expect(response.status).toBe(200);
    expectAllowed(response, PAGE);
  });

  it("reads every error", async () => {
    const errors = [
      [400, await stream.append("{", from(PAGE))],
      [400, await stream.append({ events: 1 }, from(PAGE))],
      [401, await stream.append(EVENTS, { ...from(PAGE), key: "wrong" })],
      [401, await stream.append(EVENTS, { ...from(PAGE), key: undefined })],
      [403, await stream.append(EVENTS, { ...from(PAGE), key: stream.keys.read })],
      [409, await stream.append({ ...EVENTS, producer: { id: "gap", sequence: 7 } }, from(PAGE))],
      [413, await stream.append("x".repeat(2_000_000), from(PAGE))],
      [415, await stream.append(EVENTS, { headers: { Origin: PAGE, "Content-Type": "text/html" } })],
      [400, await stream.query({}, from(PAGE))],
      [404, await call("GET", `${stream.path}/nothing`, from(PAGE))],
      [405, await call("PUT", `${stream.path}/events`, from(PAGE))],
    ] as const;
    for (const [status, response] of errors) {
      expect(response.status).toBe(status);
      expectAllowed(response, PAGE);
    }
  });

  it("may ask before it sends, and remember the answer for a day", async () => {
    const response = await call("OPTIONS", `${stream.path}/events`, {
      headers: {
        Origin: PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
      },
    });
    expect(response.status).toBe(204);
    expectAllowed(response, PAGE);
    expect(response.headers.get("Access-Control-Allow-Methods")).toContain("POST");
    expect(response.headers.get("Access-Control-Allow-Headers")?.toLowerCase()).toContain("authorization");
    expect(response.headers.get("Access-Control-Max-Age")).toBe("86400");
  });
});

describe("a foreign origin", () => {
  it("appends nothing", async () => {
    const before = await stream.recordCount();
    const response = await stream.append(EVENTS, from(FOREIGN));
    expectNotAllowed(response);
    await expectProblem(response, 403, "origin_not_allowed");
    await expectProblem(stream.append(EVENTS, from("null")), 403, "origin_not_allowed");
    await expectProblem(stream.append(EVENTS, from(`${PAGE}.evil.example`)), 403, "origin_not_allowed");
    expect(await stream.recordCount()).toBe(before);
  });

  it("is refused its preflight", async () => {
    const response = await call("OPTIONS", `${stream.path}/events`, from(FOREIGN));
    expectNotAllowed(response);
    await expectProblem(response, 403, "origin_not_allowed");
  });

  it("cannot read answers to queries, which are judged by their key", async () => {
    const response = await stream.query({ last: "1h" }, from(FOREIGN));
    expect(response.status).toBe(200);
    expectNotAllowed(response);
  });

  it("is nobody to a stream that does not exist", async () => {
    expectNotAllowed(await call("POST", "/v1/streams/nobody/events", { ...from(PAGE), key: "wk_1", body: EVENTS }));
  });
});

describe("other requests", () => {
  it("from the worker's own origin are always allowed", async () => {
    const response = await stream.append(EVENTS, from(EDGE));
    expect(response.status).toBe(200);
    expectAllowed(response, EDGE);
  });

  it("without the header are not refused for it", async () => {
    const response = await stream.append(EVENTS);
    expect(response.status).toBe(200);
    expectNotAllowed(response);
    expect(response.headers.get("Vary")).toContain("Origin");
  });

  it("are allowed from everywhere by *", async () => {
    const open = await TestStream.create({ allowedOrigins: ["*"] });
    expectAllowed(await open.append(EVENTS, from(FOREIGN)), FOREIGN);
  });

  it("are allowed from nowhere by default", async () => {
    const closed = await TestStream.create();
    await expectProblem(closed.append(EVENTS, from(PAGE)), 403, "origin_not_allowed");
  });
});

describe("/admin", () => {
  it("answers no foreign origin, not even one that the stream allows", async () => {
    const response = await admin("GET", `/streams/${stream.name}`, from(PAGE));
    expectNotAllowed(response);
    await expectProblem(response, 403, "origin_not_allowed");
    const preflight = await call("OPTIONS", "/admin/streams", from(PAGE));
    expectNotAllowed(preflight);
    expect(preflight.status).toBe(403);
  });

  it("answers its own", async () => {
    expect((await admin("GET", "/streams", from(EDGE))).status).toBe(200);
  });
});
