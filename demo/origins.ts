/** Where clicks come from: the countries and devices that occur most in the range, whatever else is filtered. */
import { BarTable } from "./bar-table.ts";
import { type Attribute, NAMES, type Occurring } from "./filters.ts";

/** As many as fit beside ten ads. */
const SHOWN: Readonly<Record<Attribute, number>> = { country: 5, device: 4 };

export class Origins {
  readonly #tables: Readonly<Record<Attribute, BarTable>>;

  constructor(onChoose: (attribute: Attribute, value: string) => void) {
    this.#tables = {
      country: new BarTable("top-country", (value) => onChoose("country", value)),
      device: new BarTable("top-device", (value) => onChoose("device", value)),
    };
  }

  show(occurring: Occurring): void {
    for (const attribute of ["country", "device"] as const) {
      const rows = occurring[attribute].rows.map((row) => {
        const value = row[attribute];
        const isText = typeof value === "string";
        return {
          value: isText ? value : null,
          name: isText ? NAMES[attribute].of(value) : "Unknown",
          clicks: Number(row["clicks"] ?? 0),
        };
      });
      const total = rows.reduce((sum, { clicks }) => sum + clicks, 0);
      this.#tables[attribute].show(rows.slice(0, SHOWN[attribute]), total);
    }
  }
}
