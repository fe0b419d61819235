/** From a row of cells to an event: which column is the time, and under which name every other one is kept. */
import { isQueryableName } from "#protocol";
import { CliError } from "../failure.ts";

export type ImportedEvent = Record<string, string | number>;

export interface Mapping {
  /** The column that is the event time; `time` unless said otherwise. */
  readonly time: string | undefined;
  readonly numbers: ReadonlySet<string>;
  /** Column → attribute. */
  readonly renames: ReadonlyMap<string, string>;
  readonly skipped: ReadonlySet<string>;
}

export function eventReader(header: readonly string[], mapping: Mapping): (cells: readonly string[]) => ImportedEvent {
  const timeColumn = mapping.time ?? "time";
  const named = [...mapping.numbers, ...mapping.renames.keys(), ...mapping.skipped];
  if (mapping.time !== undefined) named.push(mapping.time);
  const unknown = named.find((column) => !header.includes(column));
  if (unknown !== undefined) throw new CliError(`the file has no column "${unknown}". It has: ${header.join(", ")}.`);
  if (!header.includes(timeColumn)) {
    throw new CliError(`which column is the event time? Name it with --time. There are: ${header.join(", ")}.`);
  }

  const columns: { readonly index: number; readonly name: string; readonly number: boolean }[] = [];
  header.forEach((column, index) => {
    if (mapping.skipped.has(column)) return;
    const name = column === timeColumn ? "time" : (mapping.renames.get(column) ?? column);
    if (name !== "time" && !isQueryableName(name)) {
      throw new CliError(`column "${column}" cannot be an attribute; give it another name: --rename "${column}=NEW".`);
    }
    if (columns.some((other) => other.name === name)) throw new CliError(`two columns become "${name}".`);
    columns.push({ index, name, number: mapping.numbers.has(column) });
  });

  return (cells) => {
    const event: ImportedEvent = {};
    for (const { index, name, number } of columns) {
      const cell = cells[index] ?? "";
      if (cell !== "") event[name] = number || (name === "time" && isWholeNumber(cell)) ? toNumber(cell) : cell;
    }
    return event;
  };
}

const isWholeNumber = (cell: string): boolean => /^\d+$/.test(cell);

/** A cell that is no number stays as it is: the edge keeps it as a string, and nothing is lost. */
function toNumber(cell: string): string | number {
  const number = Number(cell);
  return Number.isFinite(number) ? number : cell;
}
