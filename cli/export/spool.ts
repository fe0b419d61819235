/**
 * Records that wait for their columns: a line of JSON each, in a file. The log is read once only: what a second reading found
 * might have been trimmed since, and would be another history.
 */
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { EXPORT_LIMITS } from "../limits.ts";
import type { ExportedRecord } from "./records.ts";

export class Spool {
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async create(path: string): Promise<Spool> {
    return new Spool(path, await open(path, "wx", 0o600));
  }

  async write(records: readonly ExportedRecord[]): Promise<void> {
    await this.#file.appendFile(records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** What was written, in chunks that memory holds whatever is in them. */
  async *read(): AsyncGenerator<readonly ExportedRecord[]> {
    let chunk: ExportedRecord[] = [];
    let characters = 0;
    for await (const line of linesOf(this.#path)) {
      chunk.push(JSON.parse(line) as ExportedRecord);
      characters += line.length;
      if (chunk.length < EXPORT_LIMITS.rowGroupRows && characters < EXPORT_LIMITS.rowGroupCharacters) continue;
      yield chunk;
      chunk = [];
      characters = 0;
    }
    if (chunk.length > 0) yield chunk;
  }
}

/** Not node:readline: it also ends lines at U+2028, which JSON leaves as it is. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = "";
  for await (const text of createReadStream(path, "utf8") as AsyncIterable<string>) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
