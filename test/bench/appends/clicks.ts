/** The clicks that every contender is sent: some 91 bytes of JSON each, the same ones from the same seed. */

export interface Click {
  readonly adId: string;
  readonly userId: string;
  readonly country: string;
  readonly device: string;
  readonly price: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

export const CLICKS = 65_536;

const ADS = 50_000;
const USERS = 1_000_000;
const COUNTRIES = "US GB DE FR BR IN ID JP MX IT ES PL TR CA AU NL KR AR TH VN".split(" ");
const DEVICES = ["desktop", "mobile", "tablet"];
/** They happened within this long before `now`. */
const SPREAD_MS = 60_000;

/** Ads by Zipf's law, as in the research behind the project; users evenly, which is the hardest for a dictionary. */
export function makeClicks(now: number): readonly Click[] {
  const random = mulberry32(1);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  return Array.from({ length: CLICKS }, (_, i) => ({
    adId: `ad-${Math.floor(ADS ** random())}`,
    userId: `u-${Math.floor(random() * USERS)}`,
    country: pick(COUNTRIES),
    device: pick(DEVICES),
    price: Math.floor(random() * 10_000) / 10_000,
    time: now - SPREAD_MS + Math.floor((i / CLICKS) * SPREAD_MS),
  }));
}

/** A small generator with a seed; source: Tommy Ettinger, 2017, public domain. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
