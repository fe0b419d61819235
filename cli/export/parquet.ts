/** An export as Parquet: each chunk of rows one row group, compressed with Snappy, written as it comes. */
import { type ColumnSource, fileWriter, ParquetWriter } from "hyparquet-writer";
import type { Column, ColumnType } from "./columns.ts";
import type { ExportedRecord, RecordValue } from "./records.ts";
import type { RowWriter } from "./writer.ts";

type Schema = ConstructorParameters<typeof ParquetWriter>[0]["schema"];

const TYPES = {
  time: { type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
  integer: { type: "INT64" },
  number: { type: "DOUBLE" },
  string: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  boolean: { type: "BOOLEAN" },
} as const satisfies Record<ColumnType, Partial<Schema[number]>>;

export function openParquet(
  path: string,
  columns: readonly Column[],
  about: Readonly<Record<string, string>>,
): RowWriter {
  const schema: Schema = [
    { name: "events", num_children: columns.length },
    ...columns.map(({ name, type, required }): Schema[number] => ({
      name,
      ...TYPES[type],
      repetition_type: required ? "REQUIRED" : "OPTIONAL",
    })),
  ];
  const kvMetadata = Object.entries(about).map(([key, value]) => ({ key: `headwater.${key}`, value }));
  const writer = new ParquetWriter({ writer: fileWriter(path), schema, kvMetadata, createdBy: "headwater" });
  return {
    async write(records: readonly ExportedRecord[]) {
      const columnData = columns.map(({ name, type, valueOf }): ColumnSource => ({
        name,
        data: records.map((record) => stored(type, valueOf(record))),
      }));
      await writer.write({ columnData, rowGroupSize: records.length });
    },
    async finish() {
      await writer.finish();
    },
  };
}

function stored(type: ColumnType, value: RecordValue | null): RecordValue | bigint | Date | null {
  if (value === null || typeof value !== "number") return value;
  if (type === "time") return new Date(value);
  return type === "integer" ? BigInt(value) : value;
}
