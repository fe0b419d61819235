/** `faults,sizes --only headwater,snowplow --columns crash,down --rounds 7 --visits 60 --picture docs/bench-sdk.svg`. */
import { parseArgs } from "node:util";
import { ADAPTERS } from "./adapters.ts";
import { COLUMNS } from "./faults.ts";

const SECTIONS = ["sizes", "faults", "visits", "cost"] as const;
export type Section = (typeof SECTIONS)[number];

export interface BenchArguments {
  readonly sections: readonly Section[];
  readonly adapters: typeof ADAPTERS;
  readonly columns: typeof COLUMNS;
  /** Rounds of cost; faults are befallen once a run. */
  readonly rounds: number;
  /** Visitors of each kind. */
  readonly visits: number;
  /** Where the chart goes. */
  readonly picture: string | null;
}

export function parseArguments(args: readonly string[]): BenchArguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: "string" },
      columns: { type: "string" },
      rounds: { type: "string", default: "7" },
      visits: { type: "string", default: "60" },
      picture: { type: "string" },
    },
  });
  const sections = positionals.flatMap((text) => text.split(","));
  return {
    sections: chosen("section", SECTIONS, sections.length === 0 ? undefined : sections, (section) => section),
    adapters: chosen("tracker", ADAPTERS, values.only?.split(","), ({ id }) => id),
    columns: chosen("column", COLUMNS, values.columns?.split(","), ({ id }) => id),
    rounds: positive("rounds", values.rounds),
    visits: positive("visits", values.visits),
    picture: values.picture ?? null,
  };
}

function chosen<T>(what: string, all: readonly T[], names: readonly string[] | undefined, nameOf: (one: T) => string) {
  const known = all.map(nameOf);
  for (const name of names ?? []) {
    if (!known.includes(name)) throw new Error(`no ${what} "${name}": ${known.join(", ")}`);
  }
  return all.filter((one) => names?.includes(nameOf(one)) ?? true);
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number <= 0) throw new Error(`--${name} wants a whole number, not "${text}"`);
  return number;
}
