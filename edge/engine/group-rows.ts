/**
 * Groups the rows of a sealed batch by minute and by the codes of one attribute, the one that most questions are grouped by.
 *
 *   offset order   12:00 b   12:00 a   12:01 a   12:00 b   12:01 c   12:01 c
 *   grouped        12:00 a   12:00 b   12:00 b │ 12:01 a   12:01 c   12:01 c
 *   runs                 a×1       b×2         │       a×1       c×2
 *
 * A fold of such a batch finds the rows of a window side by side, the rows of a group side by side within it, and for a plain
 * count by that attribute nothing to read but the runs. The order of arrival is kept beside, for whoever needs offsets.
 * Answers do not depend on the order of records, so that nothing else has to know.
 */
import { assert } from "#protocol";
import { integerColumn, narrowCodes } from "./batch-builder.ts";
import { type CodeArray, type ColumnBatch, type Grouping, integerAt } from "./column-batch.ts";
import { gather } from "./gather.ts";

/** A longer run is cut in several, so that lengths take a byte each: there are few of them, and every question reads them all. */
const RUN_ROWS_MAX = 255;

/** @param attribute is taken for the runs if the batch has codes of it; null: by minute only */
export function groupRows(batch: ColumnBatch, attribute: string | null): ColumnBatch {
  assert(batch.grouping === null, "rows in offset order");
  const codes = attribute === null ? undefined : batch.attributes.get(attribute)?.codes;
  const rows = sortedRows(batch, codes?.codes ?? null, codes?.dictionary.size ?? 1);
  return gather(batch, batch.baseOffset, rows, groupingOf(batch, codes === undefined ? null : attribute, rows));
}

/**
 * The rows by minute, code and offset. All three are packed into one number, because the sorting of numbers is the
 * runtime's own and several times as fast as any with a comparison.
 */
function sortedRows(batch: ColumnBatch, codes: CodeArray | null, codeCount: number): Uint32Array {
  const { count, minutes } = batch;
  const ranks = minuteRanks(batch);
  assert(ranks.size * codeCount * count < Number.MAX_SAFE_INTEGER, "a sort key is an exact number");
  const keys = new Float64Array(count);
  let minute = NaN;
  let rank = 0;
  for (let row = 0; row < count; row++) {
    const next = integerAt(minutes, row);
    // Neighbours mostly share their minute.
    if (next !== minute) {
      minute = next;
      rank = ranks.get(minute) as number;
    }
    keys[row] = (rank * codeCount + (codes === null ? 0 : (codes[row] as number))) * count + row;
  }
  keys.sort();
  const rows = new Uint32Array(count);
  for (let place = 0; place < count; place++) rows[place] = (keys[place] as number) % count;
  return rows;
}

/** Minutes are numbered, because an import may spread a batch over years. */
function minuteRanks({ minutes, count }: ColumnBatch): ReadonlyMap<number, number> {
  const seen = new Set<number>();
  let minute = NaN;
  for (let row = 0; row < count; row++) {
    const next = integerAt(minutes, row);
    if (next !== minute) seen.add((minute = next));
  }
  return new Map([...seen].sort((a, b) => a - b).map((value, rank) => [value, rank]));
}

function groupingOf(batch: ColumnBatch, attribute: string | null, rows: Uint32Array): Grouping {
  const keyed = attribute === null ? undefined : batch.attributes.get(attribute)?.codes;
  const codes = keyed?.codes;
  const minutes: number[] = [];
  const rowStarts: number[] = [];
  const runStarts: number[] = [];
  const runCodes = new Uint32Array(rows.length);
  const runRows = new Float64Array(rows.length + 1);
  let runs = 0;
  let minute = NaN;
  let code = -1;
  let runStart = 0;
  for (let place = 0; place < rows.length; place++) {
    const row = rows[place] as number;
    const nextMinute = integerAt(batch.minutes, row);
    const nextCode = codes === undefined ? 0 : (codes[row] as number);
    const isFull = codes !== undefined && place - runStart === RUN_ROWS_MAX;
    if (nextMinute === minute && nextCode === code && !isFull) continue;
    if (nextMinute !== minute) {
      minutes.push(nextMinute);
      rowStarts.push(place);
      runStarts.push(runs);
    }
    minute = nextMinute;
    code = nextCode;
    runStart = place;
    runCodes[runs] = code;
    runRows[runs++] = place;
  }
  runRows[runs] = rows.length;
  return {
    minutes: Float64Array.from(minutes),
    rowStarts: Uint32Array.from([...rowStarts, rows.length]),
    runStarts: Uint32Array.from([...runStarts, runs]),
    attribute,
    dictionary: keyed?.dictionary ?? null,
    runCodes: narrowCodes(runCodes.subarray(0, runs)),
    runLengths: integerColumn(differences(runRows, runs)),
    arrival: narrowCodes(rows),
  };
}

/** How far each of the first `count` numbers is from the next. */
function differences(values: ArrayLike<number>, count: number): Float64Array {
  const gaps = new Float64Array(count);
  for (let i = 0; i < count; i++) gaps[i] = (values[i + 1] as number) - (values[i] as number);
  return gaps;
}
