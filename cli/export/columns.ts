/**
 * The columns of an export. They are known only when every record has been seen: which attributes occur, and of which types.
 *
 * An attribute's type is its values'. Where events disagree, it becomes one column for each type (`price:number`,
 * `price:string`), because a comparison or a sum of Headwater's looks at values of one type alone, and so must one over the
 * file. A colon can be in no attribute's name, so such a column can be taken for no other.
 */
import type { ExportedRecord, RecordValue } from "./records.ts";

export type ColumnType = "time" | "integer" | "number" | "string" | "boolean";

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Whether every row has a value. */
  readonly required: boolean;
  readonly valueOf: (record: ExportedRecord) => RecordValue | null;
}

/** What every record has; no attribute may be called so. */
const FIXED: readonly Column[] = [
  { name: "time", type: "time", required: true, valueOf: ({ time }) => time },
  { name: "appendTime", type: "time", required: true, valueOf: ({ appendTime }) => appendTime },
  { name: "type", type: "string", required: false, valueOf: ({ attributes }) => attributes.type ?? null },
  { name: "partition", type: "integer", required: true, valueOf: ({ partition }) => partition },
  { name: "offset", type: "integer", required: true, valueOf: ({ offset }) => offset },
];

type AttributeType = "string" | "number" | "boolean";

export class ColumnFinder {
  readonly #types = new Map<string, Set<AttributeType>>();

  see({ attributes }: ExportedRecord): void {
    for (const [name, value] of Object.entries(attributes)) {
      const types = this.#types.get(name);
      if (types) types.add(typeof value as AttributeType);
      else this.#types.set(name, new Set([typeof value as AttributeType]));
    }
  }

  /** The fixed ones, then attributes by name. */
  columns(): readonly Column[] {
    const names = [...this.#types.keys()].filter((name) => name !== "type").toSorted();
    return [...FIXED, ...names.flatMap((name) => columnsOf(name, [...(this.#types.get(name) ?? [])].toSorted()))];
  }

  /** Attributes that became several columns. */
  mixed(): readonly string[] {
    return [...this.#types].filter(([, types]) => types.size > 1).map(([name]) => name);
  }
}

const columnsOf = (name: string, types: readonly AttributeType[]): Column[] =>
  types.map((type) => ({
    name: types.length === 1 ? name : `${name}:${type}`,
    type,
    required: false,
    valueOf: ({ attributes }) => {
      const value = attributes[name];
      return typeof value === type && value !== undefined ? value : null;
    },
  }));
