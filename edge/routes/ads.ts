/**
 * The two classic questions as GETs: clicks of one ad, and the most clicked ads. Both are queries like any other, so that
 * they cannot answer differently.
 */
import * as v from "valibot";
import { ENGINE_LIMITS, type Where } from "#engine";
import { type AttributeValue, fail, isQueryableName, ok, type Result } from "#protocol";
import type { Endpoint } from "./endpoint.ts";
import type { Failure, InvalidInput } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import { parseInput } from "./parse-input.ts";
import { QUERY_FAILURES, readAccess, streamName } from "./query.ts";
import { resolveQuestion } from "./query-input.ts";
import { runQuery } from "./run-query.ts";
import { AdCountSchema, type QueryAnswer, type QueryInput, QuerySchema, TopAdsSchema } from "./schemas/query.ts";
import type { StreamDirectory } from "./stream-access.ts";

const TOP_COUNT_DEFAULT = 100;
const RANGE_PARAMETERS = ["from", "to", "last"];

/** GET /v1/streams/:stream/ads/:adId/count */
async function adCount(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const adId = c.req.param("adId") ?? "";
  const answer = await ask(c, directory, [], ok({ where: { adId: { in: meanings(adId) } } }));
  if (!answer.ok) return answer;
  const clicks = Number(answer.value.rows[0]?.["clicks"] ?? 0);
  return ok(c.json({ adId, clicks, ...labels(answer.value) }));
}

/** GET /v1/streams/:stream/ads/top */
async function topAds(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const count = parseCount(c.req.query("count"));
  // A click on no ad makes no ad.
  const top = { where: { adId: { exists: true } }, groupBy: ["adId"], orderBy: "-clicks" };
  const answer = await ask(c, directory, ["count"], count.ok ? ok({ ...top, limit: count.value }) : count);
  if (!answer.ok) return answer;
  const ads = answer.value.rows.map(({ adId, clicks }) => ({ adId, clicks }));
  return ok(c.json({ ads, ...labels(answer.value) }));
}

type Input = Result<QueryInput, InvalidInput<"invalid_query">>;

/**
 * Runs a query, filtered by what the query string says beside its range.
 *
 * @param own parameters that `input` was made of
 */
async function ask(
  c: HttpContext,
  directory: StreamDirectory,
  own: readonly string[],
  input: Input,
): Promise<Result<QueryAnswer, Failure>> {
  const access = await readAccess(c, directory);
  if (!access.ok) return access;
  if (!input.ok) return input;
  const parameters = c.req.queries();
  const range = parseRange(parameters);
  if (!range.ok) return range;
  const filters = parseFilters(parameters, [...RANGE_PARAMETERS, ...own]);
  if (!filters.ok) return filters;
  // Beside, not over, what the route itself asks of the same attribute: an `or` of one must hold as well.
  const where: Where = { ...input.value.where, or: [filters.value] };
  const filtered = Object.keys(filters.value).length === 0 ? {} : { where };
  const question = resolveQuestion({ ...input.value, ...range.value, ...filtered }, Date.now());
  return question.ok ? runQuery(c.env, directory, streamName(c), access.value, question.value) : question;
}

/** The range, through the same schema as a query's; in a query string milliseconds are text. */
function parseRange(parameters: Record<string, string[]>): Input {
  const given = RANGE_PARAMETERS.flatMap((name) => {
    const text = parameters[name]?.[0];
    return text === undefined ? [] : [[name, /^\d+$/.test(text) ? Number(text) : text]];
  });
  return parseInput(QuerySchema, Object.fromEntries(given), "invalid_query");
}

/** Every other parameter filters; one that is given twice matches either. */
function parseFilters(
  parameters: Record<string, string[]>,
  known: readonly string[],
): Result<Where, InvalidInput<"invalid_query">> {
  const filters: Record<string, { readonly in: readonly AttributeValue[] }> = {};
  for (const [name, texts] of Object.entries(parameters)) {
    if (known.includes(name)) continue;
    if (!isQueryableName(name)) return invalid(name.slice(0, 80), "not the name of an attribute");
    filters[name] = { in: texts.flatMap(meanings) };
    if (texts.length > ENGINE_LIMITS.listMax / 2) return invalid(name, "given too often");
  }
  return ok(filters);
}

/** What a text in a URL can mean: the string, and the number or boolean that is written so. */
function meanings(text: string): AttributeValue[] {
  if (text === "true" || text === "false") return [text, text === "true"];
  const number = Number(text);
  return Number.isFinite(number) && String(number) === text ? [text, number] : [text];
}

function parseCount(text: string | undefined): Result<number, InvalidInput<"invalid_query">> {
  if (text === undefined) return ok(TOP_COUNT_DEFAULT);
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= ENGINE_LIMITS.rowsMax) return ok(count);
  return invalid("count", `a whole number from 1 to ${ENGINE_LIMITS.rowsMax}`);
}

const labels = ({ from, to, final, complete }: QueryAnswer) => ({ from, to, final, complete });

const invalid = (path: string, detail: string) =>
  fail<InvalidInput<"invalid_query">>({ reason: "invalid_query", path, detail });

const text = v.exactOptional(v.string());
const RANGE = { last: text, from: text, to: text };

export const adsEndpoints: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/v1/streams/:stream/ads/top",
    summary: "The most clicked ads. Any other query parameter filters by the attribute of that name",
    access: "read",
    parameters: { ...RANGE, count: text },
    answers: { 200: { description: "The ads, the most clicked first", schema: TopAdsSchema } },
    failures: QUERY_FAILURES,
    handle: topAds,
  },
  {
    method: "GET",
    path: "/v1/streams/:stream/ads/:adId/count",
    summary: "Clicks of one ad. Any other query parameter filters by the attribute of that name",
    access: "read",
    parameters: RANGE,
    answers: { 200: { description: "The clicks", schema: AdCountSchema } },
    failures: QUERY_FAILURES,
    handle: adCount,
  },
];
