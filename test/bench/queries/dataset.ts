/**
 * The events that every contender is loaded with: a day of ad clicks in the order in which they arrive, made in chunks, so
 * that a hundred million of them never are in memory together. Deterministic: a name and a count say every byte.
 *
 *   arrival   a daily curve, busiest in the afternoon
 *   time      arrival less lateness: 97 % below 2 s, 2.5 % below a minute, 0.5 % below 10 minutes
 *   ad        Zipf, exponent 1, over 50,000; or even, over many more
 *   user      Zipf, exponent 0.5, over 1,000,000; or even, over ten times as many
 *   country   Zipf, exponent 1, over 200;  device: one of 6;  price: whole cents
 */
import { AliasTable, Random, zipf } from "./random.ts";

export type DatasetName = "zipf" | "uniform-100k" | "uniform-1m" | "widest";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** 2026-01-01T00:00:00Z: the day on which all of it happens. */
export const DAY_START = Date.UTC(2026, 0, 1);

interface Spread {
  readonly count: number;
  /** Of Zipf's law; 0: all are as frequent. */
  readonly exponent: number;
}

const USERS: Spread = { count: 1_000_000, exponent: 0.5 };
const DATASETS: Readonly<Record<DatasetName, { readonly ads: Spread; readonly users: Spread }>> = {
  zipf: { ads: { count: 50_000, exponent: 1 }, users: USERS },
  "uniform-100k": { ads: { count: 100_000, exponent: 0 }, users: USERS },
  "uniform-1m": { ads: { count: 1_000_000, exponent: 0 }, users: USERS },
  widest: { ads: { count: 1_000_000, exponent: 0 }, users: { count: 10_000_000, exponent: 0 } },
};
const COUNTRIES = 200;
const DEVICES = ["desktop", "mobile", "tablet", "tv", "console", "other"] as const;
const DEVICE_WEIGHTS = [38, 50, 6, 3, 2, 1];
/** Cents: 0.05 to 4.99. */
const PRICE = { from: 5, to: 500 };
const SEED = 20260101;

/** Events of one chunk: what a peer is handed at a time. */
const CHUNK_EVENTS = 1_000_000;

/** Consecutive events, one array a column; ads, users, countries and devices as numbers, from which `textOf` makes texts. */
export interface Chunk {
  readonly count: number;
  /** When each event arrives, in milliseconds since the epoch; never falls. */
  readonly arrivals: Float64Array;
  /** When it happened. */
  readonly times: Float64Array;
  readonly ads: Uint32Array;
  readonly users: Uint32Array;
  readonly countries: Uint8Array;
  readonly devices: Uint8Array;
  readonly cents: Uint16Array;
}

const caches: string[][] = [];

/** Digits are padded, so that texts sort as their numbers do and ties are broken alike by every contender. */
const padded = (number: number): string => String(number).padStart(7, "0");
const adOf = cached((ad) => `ad-${padded(ad)}`);
const userOf = cached((user) => `user-${padded(user)}`);
const countryOf = cached((country) => String.fromCharCode(65 + Math.floor(country / 26), 65 + (country % 26)));

export const textOf = {
  ad: adOf,
  user: userOf,
  country: countryOf,
  device: (device: number): string => DEVICES[device] as string,
} as const;

/** The same texts, in SQL that DuckDB and ClickHouse both understand; columns are named as in a chunk's CSV file. */
export const SQL_TEXTS = {
  ad: "concat('ad-', lpad(CAST(ad AS VARCHAR), 7, '0'))",
  user: "concat('user-', lpad(CAST(user_id AS VARCHAR), 7, '0'))",
  country: `substr('${Array.from({ length: COUNTRIES }, (_, i) => countryOf(i)).join("")}', 2 * CAST(country AS INTEGER) + 1, 2)`,
  device: `CASE device ${DEVICES.map((name, i) => `WHEN ${i} THEN '${name}'`).join(" ")} END`,
} as const;

function cached(make: (number: number) => string): (number: number) => string {
  const texts: string[] = [];
  caches.push(texts);
  return (number) => (texts[number] ??= make(number));
}

/** For who looks at memory: the texts that were made are not what is to be measured. */
export function forgetTexts(): void {
  for (const texts of caches) texts.length = 0;
}

export function* generate(name: DatasetName, events: number): Generator<Chunk, void> {
  const random = new Random(SEED);
  const { ads, users } = DATASETS[name];
  const adTable = zipf(ads.count, ads.exponent);
  const userTable = zipf(users.count, users.exponent);
  const countryTable = zipf(COUNTRIES, 1);
  const deviceTable = new AliasTable(Float64Array.from(DEVICE_WEIGHTS));
  const arrivals = new Arrivals(events);
  for (let from = 0; from < events; from += CHUNK_EVENTS) {
    const chunk = emptyChunk(Math.min(CHUNK_EVENTS, events - from));
    for (let i = 0; i < chunk.count; i++) {
      const arrival = arrivals.at(from + i);
      chunk.arrivals[i] = arrival;
      chunk.times[i] = Math.max(DAY_START, arrival - lateness(random));
      chunk.ads[i] = adTable.draw(random);
      chunk.users[i] = userTable.draw(random);
      chunk.countries[i] = countryTable.draw(random);
      chunk.devices[i] = deviceTable.draw(random);
      chunk.cents[i] = PRICE.from + random.below(PRICE.to - PRICE.from);
    }
    yield chunk;
  }
}

function emptyChunk(count: number): Chunk {
  return {
    count,
    arrivals: new Float64Array(count),
    times: new Float64Array(count),
    ads: new Uint32Array(count),
    users: new Uint32Array(count),
    countries: new Uint8Array(count),
    devices: new Uint8Array(count),
    cents: new Uint16Array(count),
  };
}

function lateness(random: Random): number {
  const kind = random.fraction();
  const bound = kind < 0.97 ? 2_000 : kind < 0.995 ? MINUTE_MS : 10 * MINUTE_MS;
  return random.below(bound);
}

/** The arrival of the n-th of many events: evenly within each minute, minutes weighted by the daily curve. */
class Arrivals {
  /** Share of the day's events that came before each minute. */
  readonly #before = new Float64Array(DAY_MS / MINUTE_MS + 1);
  readonly #events: number;
  #minute = 0;

  constructor(events: number) {
    this.#events = events;
    const minutes = DAY_MS / MINUTE_MS;
    // Quietest at 3 h, busiest at 15 h: three times as many.
    const weight = (minute: number) => 1 - 0.5 * Math.cos(2 * Math.PI * (minute / minutes - 3 / 24));
    for (let m = 0; m < minutes; m++) this.#before[m + 1] = (this.#before[m] as number) + weight(m) / minutes;
  }

  /** To be asked in rising order. */
  at(n: number): number {
    const share = (n / this.#events) * (this.#before.at(-1) as number);
    while (share >= (this.#before[this.#minute + 1] as number)) this.#minute += 1;
    const from = this.#before[this.#minute] as number;
    const width = (this.#before[this.#minute + 1] as number) - from;
    const within = Math.min(MINUTE_MS - 1, Math.floor(((share - from) / width) * MINUTE_MS));
    return DAY_START + this.#minute * MINUTE_MS + within;
  }
}
