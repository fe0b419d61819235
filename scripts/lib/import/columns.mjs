// From a row of cells to an event: which column is the time, and under which name every other one is kept.
import { isQueryableName } from "../../../sdk/protocol/event.ts";
import { UserError } from "../project.mjs";

/** @typedef {Record<string, string | number>} ImportedEvent */

/**
 * @param {readonly string[]} header
 * @param {Pick<import("./arguments.mjs").ImportArguments, "time" | "numbers" | "renames" | "skipped">} mapping
 * @returns {(cells: readonly string[]) => ImportedEvent}
 */
export function eventReader(header, mapping) {
  const timeColumn = mapping.time ?? "time";
  const named = [...mapping.numbers, ...mapping.renames.keys(), ...mapping.skipped];
  if (mapping.time !== undefined) named.push(mapping.time);
  const unknown = named.find((column) => !header.includes(column));
  if (unknown !== undefined) throw new UserError(`the file has no column "${unknown}". It has: ${header.join(", ")}.`);

  if (!header.includes(timeColumn)) {
    throw new UserError(`which column is the event time? Name it with --time. There are: ${header.join(", ")}.`);
  }

  /** @type {{ index: number, name: string, number: boolean }[]} */
  const columns = [];
  header.forEach((column, index) => {
    if (mapping.skipped.has(column)) return;
    const name = column === timeColumn ? "time" : (mapping.renames.get(column) ?? column);
    if (name !== "time" && !isQueryableName(name)) {
      throw new UserError(`column "${column}" cannot be an attribute; give it another name: --rename "${column}=NEW".`);
    }
    if (columns.some((other) => other.name === name)) throw new UserError(`two columns become "${name}".`);
    columns.push({ index, name, number: mapping.numbers.has(column) });
  });

  return (cells) => {
    /** @type {ImportedEvent} */
    const event = {};
    for (const { index, name, number } of columns) {
      const cell = cells[index] ?? "";
      if (cell !== "") event[name] = number || (name === "time" && isWholeNumber(cell)) ? toNumber(cell) : cell;
    }
    return event;
  };
}

/** @param {string} cell */
const isWholeNumber = (cell) => /^\d+$/.test(cell);

/**
 * A cell that is no number stays as it is: the edge keeps it as a string, and nothing is lost.
 *
 * @param {string} cell
 */
function toNumber(cell) {
  const number = Number(cell);
  return Number.isFinite(number) ? number : cell;
}
