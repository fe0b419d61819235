/** What every format of an export can do. */
import type { ExportedRecord } from "./records.ts";

/** Takes rows in order; nothing of it is a file before `finish`. */
export interface RowWriter {
  write(records: readonly ExportedRecord[]): Promise<void>;
  finish(): Promise<void>;
}
