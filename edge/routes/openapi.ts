/**
 * /openapi.json: OpenAPI 3.1, made from the endpoints and the same schemas that check their inputs. Nothing is written
 * twice, so nothing can drift.
 */
import { type ConversionConfig, toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import * as v from "valibot";
import { ok } from "#protocol";
import { BODY_FAILURES, JSON_TYPES } from "./body.ts";
import type { Answer, Endpoint } from "./endpoint.ts";
import type { Failure } from "./failures.ts";
import { statusOf } from "./problem.ts";
import { MeasuresSchema } from "./schemas/measures.ts";
import { ViewSchema } from "./schemas/view.ts";
import { ConditionSchema, WhereSchema } from "./schemas/where.ts";

const CONVERSION = {
  // The last schema of a pipe is the one that describes the input; what comes before it refuses what is no object.
  typeMode: "output",
  target: "draft-2020-12",
  overrideRef: ({ referenceId }: { readonly referenceId: string }) => `#/components/schemas/${referenceId}`,
  // Rules that JSON Schema has no words for. The server has.
  ignoreActions: ["check", "raw_check", "transform", "raw_transform", "finite"],
} satisfies ConversionConfig;

type Json = { readonly [name: string]: unknown };

/** Schemas that many others name, and `Where`, which names itself. */
const COMPONENTS = { Where: WhereSchema, Condition: ConditionSchema, Measures: MeasuresSchema, View: ViewSchema };

const PROBLEM = {
  type: "object",
  description: "RFC 9457, with the numbers that explain it as further members",
  required: ["type", "title", "status", "code", "detail"],
  properties: {
    type: { type: "string", format: "uri" },
    title: { type: "string" },
    status: { type: "integer" },
    code: { type: "string", description: "Stable: act upon this" },
    detail: { type: "string" },
    retryAfterMs: { type: "number", description: "With Retry-After" },
  },
};

const SECURITY_SCHEMES = {
  key: { type: "http", scheme: "bearer", description: "A key of the stream: wk_… writes, ik_… imports, rk_… reads" },
  writeKeyInQuery: {
    type: "apiKey",
    in: "query",
    name: "key",
    description: "A write key, where headers cannot be set",
  },
  adminToken: { type: "http", scheme: "bearer", description: "The secret ADMIN_TOKEN" },
};

const SECURITY: { readonly [access in Endpoint["access"]]: readonly Json[] } = {
  open: [],
  append: [{ key: [] }, { writeKeyInQuery: [] }],
  read: [{ key: [] }],
  admin: [{ adminToken: [] }],
};

/** What an endpoint can answer because of who asks. */
const ACCESS_FAILURES: { readonly [access in Endpoint["access"]]: readonly Failure["reason"][] } = {
  open: [],
  append: ["unauthorized", "forbidden", "overloaded"],
  read: ["unauthorized", "forbidden", "overloaded"],
  admin: ["unauthorized", "forbidden", "origin_not_allowed", "admin_disabled", "overloaded"],
};

/** The endpoint that describes all the others, and itself. */
export function openApiEndpoint(others: readonly Endpoint[]): Endpoint {
  const self: Endpoint = {
    method: "GET",
    path: "/openapi.json",
    summary: "This document",
    access: "open",
    answers: { 200: { description: "OpenAPI 3.1", schema: v.record(v.string(), v.unknown()) } },
    failures: [],
    // Made when first asked for: most isolates never are.
    handle: async (c) => ok(c.json((document ??= describeAll([...others, self])))),
  };
  let document: Json | undefined;
  return self;
}

function describeAll(endpoints: readonly Endpoint[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const endpoint of endpoints) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[endpoint.method.toLowerCase()] = operation(endpoint);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Headwater",
      version: "1",
      description: "A Kappa system for clicks: append events, ask for answers, compute them again by replay.",
      license: { name: "MIT", identifier: "MIT" },
    },
    paths,
    components: {
      schemas: { Problem: PROBLEM, ...toJsonSchemaDefs(COMPONENTS, CONVERSION) },
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

function operation({ summary, access, path, parameters = {}, headers = {}, body, answers, failures }: Endpoint): Json {
  const inPath = Array.from(path.matchAll(/:(\w+)/g), ([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const optional = (place: "query" | "header", entries: v.ObjectEntries) =>
    Object.entries(entries).map(([name, schema]) => ({
      name,
      in: place,
      required: false,
      schema: jsonSchema(schema as v.GenericSchema),
    }));
  return {
    summary,
    security: SECURITY[access],
    parameters: [...inPath, ...optional("query", parameters), ...optional("header", headers)],
    // See parseBody: to an administrator no body is an empty one.
    ...(body === undefined
      ? {}
      : { requestBody: { required: access !== "admin" || !v.is(body, {}), content: describeBody(body) } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)])),
      ...describeFailures([
        ...failures,
        ...(body === undefined ? [] : BODY_FAILURES),
        ...ACCESS_FAILURES[access],
        "internal_error",
      ]),
    },
  };
}

/** The same JSON under every type that it may travel as. */
function describeBody(body: v.GenericSchema): Json {
  const schema = jsonSchema(body);
  const asText = { type: "string", contentMediaType: "application/json", description: "The same JSON" };
  return Object.fromEntries(
    JSON_TYPES.map((type) => [type, { schema: type === "application/json" ? schema : asText }]),
  );
}

function describeAnswer({ description, schema, otherTypes = [] }: Answer): Json {
  const content = {
    ...(schema === undefined ? {} : { "application/json": { schema: jsonSchema(schema) } }),
    ...Object.fromEntries(otherTypes.map((type) => [type, { schema: { type: "string" } }])),
  };
  return { description, ...(Object.keys(content).length === 0 ? {} : { content }) };
}

/** Failures by status; several codes may share one. */
function describeFailures(reasons: readonly Failure["reason"][]): Json {
  const byStatus = Map.groupBy(new Set(reasons), statusOf);
  const content = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } };
  return Object.fromEntries(
    Array.from(byStatus, ([status, codes]) => [
      status,
      { description: codes.map((code) => `\`${code}\``).join(", "), content },
    ]),
  );
}

function jsonSchema(schema: v.GenericSchema): Json {
  const { $schema: _, $defs: __, ...described } = toJsonSchema(schema, { ...CONVERSION, definitions: COMPONENTS });
  return described;
}
