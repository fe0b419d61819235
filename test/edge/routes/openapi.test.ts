/** The document and the routes say the same. */
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createApp } from "../../../edge/routes/app.ts";

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

async function fetchDocument(): Promise<Document> {
  const response = await exports.default.fetch("https://headwater.test/openapi.json");
  expect(response.status).toBe(200);
  return response.json();
}

describe("/openapi.json", () => {
  it("describes every route that answers, and no other", async () => {
    const described = Object.entries((await fetchDocument()).paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    // ALL: middleware, and the answers to methods that a path does not have.
    const registered = createApp()
      .routes.filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(described.toSorted()).toEqual([...new Set(registered)].toSorted());
    expect(described.length).toBeGreaterThan(20);
  });

  it("is OpenAPI 3.1 in which every reference leads somewhere", async () => {
    const document = await fetchDocument();
    expect(document.openapi).toBe("3.1.0");
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, reference]) => reference ?? "",
    );
    expect(references.length).toBeGreaterThan(0);
    for (const reference of new Set(references)) {
      const target = reference
        .slice(2)
        .split("/")
        .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], document);
      expect(target, reference).toBeTypeOf("object");
    }
  });

  it("says in which forms an append may come", async () => {
    const append = (await fetchDocument()).paths["/v1/streams/{stream}/events"]?.["post"] as {
      readonly requestBody: { readonly content: object };
      readonly parameters: readonly { readonly name: string; readonly in: string }[];
    };
    expect(Object.keys(append.requestBody.content)).toEqual(["application/json", "text/plain"]);
    const headers = append.parameters.filter((parameter) => parameter.in === "header").map(({ name }) => name);
    expect(headers).toEqual(["Idempotency-Key", "Content-Encoding"]);
  });

  it("names what can be wrong with a body wherever one is taken", async () => {
    for (const [path, operations] of Object.entries((await fetchDocument()).paths)) {
      for (const operation of Object.values(operations)) {
        if (!("requestBody" in operation)) continue;
        const { responses } = operation as unknown as { responses: object };
        expect(Object.keys(responses), path).toEqual(expect.arrayContaining(["400", "413", "415"]));
      }
    }
  });

  it("names the errors of an append by their codes", async () => {
    const append = (await fetchDocument()).paths["/v1/streams/{stream}/events"]?.["post"];
    const { responses } = append as { responses: Record<string, { description: string }> };
    expect(responses["409"]?.description).toBe("`sequence_gap`, `producer_forked`");
    expect(Object.keys(responses)).toEqual(
      expect.arrayContaining(["200", "400", "401", "403", "404", "413", "415", "429"]),
    );
  });
});
