/**
 * The slow, obvious fold: one record at a time, maps and big integers, written from the public contract and sharing no code
 * with the engine. What the engine answers is held against it.
 */
import type { Condition, Measure, Query, Tests, Value, Where } from "#engine";
import type { Row } from "./events.ts";

/** The rows of the whole answer, in order; the caller cuts at the limit. */
export function referenceAnswer(query: Query, rows: readonly Row[]): Record<string, Value>[] {
  const groups = new Map<string, { time: number; key: Value[]; rows: Row[] }>();
  if (query.groupBy.length === 0) {
    for (const time of bucketsOf(query)) groups.set(JSON.stringify([time]), { time, key: [], rows: [] });
  }
  for (const row of rows) {
    if (row.time < query.from || row.time >= query.to || !referenceMatches(query.where, row)) continue;
    const time = bucketOf(query, row.time);
    const key = query.groupBy.map((name) => row[name] ?? null);
    const id = JSON.stringify([time, ...key]);
    const group = groups.get(id) ?? { time, key, rows: [] };
    groups.set(id, group);
    group.rows.push(row);
  }
  const answer = [...groups.values()].map((group) => ({
    ...group,
    values: Object.entries(query.measures).map(([name, measure]) => [name, measured(measure, group.rows)] as const),
  }));
  answer.sort((a, b) => {
    const byKey = a.time - b.time || firstDifference(a.key, b.key);
    const { orderBy } = query;
    if (orderBy === null) return byKey;
    const asked = (group: typeof a): Value =>
      orderBy.name === "time"
        ? group.time
        : (group.values.find(([name]) => name === orderBy.name)?.[1] ??
          group.key[query.groupBy.indexOf(orderBy.name)] ??
          null);
    const order = referenceOrder(asked(a), asked(b));
    return (orderBy.descending ? -order : order) || byKey;
  });
  return answer.map(({ time, key, values }) => ({
    ...(query.everyMs !== null && { time }),
    ...Object.fromEntries(query.groupBy.map((name, i) => [name, key[i] as Value])),
    ...Object.fromEntries(values),
  }));
}

const bucketOf = ({ from, everyMs }: Query, time: number) => (everyMs === null ? from : time - (time % everyMs));

function bucketsOf(query: Query): number[] {
  const times = [];
  for (let time = query.from; time < query.to; time += 60_000) times.push(bucketOf(query, time));
  return [...new Set(times)];
}

const firstDifference = (a: Value[], b: Value[]): number =>
  a.map((value, i) => referenceOrder(value, b[i] as Value)).find((order) => order !== 0) ?? 0;

/** null, booleans, numbers, strings by UTF-8 bytes. */
export function referenceOrder(a: Value, b: Value): number {
  const types = ["object", "boolean", "number", "string"];
  if (typeof a !== typeof b) return types.indexOf(typeof a) - types.indexOf(typeof b);
  if (typeof a === "string") return Buffer.compare(Buffer.from(a), Buffer.from(String(b)));
  return Number(a) - Number(b) < 0 ? -1 : Number(a) > Number(b) ? 1 : 0;
}

// --- Where -----------------------------------------------------------------------------------------------------------

export function referenceMatches(where: Where, row: { readonly [name: string]: Value | undefined }): boolean {
  return Object.entries(where).every(([name, entry]) => {
    if (entry === undefined) return true;
    if (name === "or") return (entry as Where[]).some((part) => referenceMatches(part, row));
    if (name === "not") return !referenceMatches(entry as Where, row);
    return passes(entry as Condition, row[name] ?? null);
  });
}

function passes(condition: Condition, value: Value): boolean {
  if (typeof condition !== "object" || condition === null) return value === condition;
  return Object.entries(condition).every(([test, operand]) => {
    if (test === "exists") return (value !== null) === operand;
    if (test === "eq") return value === operand;
    if (value === null) return false;
    const listed = Array.isArray(operand) && operand.some((member) => member === value);
    if (test === "ne") return value !== operand;
    if (test === "in") return listed;
    if (test === "notIn") return !listed;
    if (typeof value !== typeof operand || typeof value === "boolean") return false;
    const order = referenceOrder(value, operand as Value);
    const orders: Record<keyof Pick<Tests, "gt" | "gte" | "lt" | "lte">, boolean> = {
      gt: order > 0,
      gte: order >= 0,
      lt: order < 0,
      lte: order <= 0,
    };
    return orders[test as keyof typeof orders];
  });
}

// --- Measures --------------------------------------------------------------------------------------------------------

function measured(measure: Measure, rows: readonly Row[]): number | null {
  if ("count" in measure) return rows.length;
  const [kind, name] = Object.entries(measure)[0] as [string, string];
  const values = rows.map((row) => row[name] ?? null).filter((value) => value !== null);
  if (kind === "distinct") return new Set(values).size;
  const numbers = values.filter((value) => typeof value === "number");
  if (kind === "sum") return exactQuotient(numbers, 1);
  if (numbers.length === 0) return null;
  if (kind === "min") return numbers.reduce((a, b) => (b < a ? b : a));
  if (kind === "max") return numbers.reduce((a, b) => (b > a ? b : a));
  const sum = exactQuotient(numbers, 1);
  return sum === null ? exactQuotient(numbers, numbers.length) : sum / numbers.length;
}

/**
 * The sum of some doubles divided by an integer, rounded half to even, by the definition: of all doubles, the nearest. Null
 * beyond their range.
 */
export function exactQuotient(numbers: readonly number[], divisor: number): number | null {
  const units = numbers.reduce((sum, value) => sum + unitsOf(value), 0n);
  const magnitude = units < 0n ? -units : units;
  const scale = BigInt(divisor);
  // Positive doubles have the order of their bit patterns: find the last one that is not beyond.
  let low = 0n;
  let high = 0x7fefffffffffffffn;
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (unitsOf(doubleOf(middle)) * scale <= magnitude) low = middle;
    else high = middle - 1n;
  }
  const below = 2n * (magnitude - unitsOf(doubleOf(low)) * scale);
  const step = low === 0x7fefffffffffffffn ? unitsOf(2 ** 971) : unitsOf(doubleOf(low + 1n)) - unitsOf(doubleOf(low));
  const up = below > step * scale || (below === step * scale && (low & 1n) === 1n);
  const nearest = doubleOf(up ? low + 1n : low);
  if (!Number.isFinite(nearest)) return null;
  return units < 0n ? 0 - nearest : nearest;
}

const view = new DataView(new ArrayBuffer(8));

function doubleOf(pattern: bigint): number {
  view.setBigUint64(0, pattern);
  return view.getFloat64(0);
}

/** A double in units of the least one, 2^-1074: dividing and doubling by two is exact. */
function unitsOf(value: number): bigint {
  let exponent = 0n;
  let scaled = value;
  while (!Number.isInteger(scaled) && exponent < 1022n) {
    scaled *= 2;
    exponent += 1n;
  }
  for (; !Number.isInteger(scaled); exponent += 1n) scaled *= 2;
  return BigInt(scaled) << (1074n - exponent);
}
