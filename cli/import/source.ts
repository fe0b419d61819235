/** A CSV file, gzipped or not: its identity, and its rows in blocks. */
import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { parse } from "csv-parse";
import { CliError } from "../failure.ts";
import { eventReader, type ImportedEvent, type Mapping } from "./columns.ts";

/**
 * Rows of one block, which is sent as one batch. With the number of producers, this is what gives a row its producer and
 * its sequence: neither may ever change, or a second run would count everything again.
 */
export const BLOCK_ROWS = 1_000;

export interface Block {
  /** Counts from 0. */
  readonly index: number;
  readonly events: readonly ImportedEvent[];
  /** Bytes of the text that had been read when the block was full. */
  readonly bytes: number;
}

/** SHA-256 and length of the text, unpacked. */
export async function identify(file: string): Promise<{ readonly digest: string; readonly bytes: number }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of openText(file) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { digest: hash.digest("hex"), bytes };
}

export async function* readBlocks(file: string, mapping: Mapping): AsyncGenerator<Block> {
  let toEvent: ReturnType<typeof eventReader> | undefined;
  let events: ImportedEvent[] = [];
  let index = 0;
  const parser = parse({ bom: true, skip_empty_lines: true });
  pipeline(openText(file), parser, () => {}); // an error reaches the loop below through the parser
  try {
    for await (const cells of parser as AsyncIterable<readonly string[]>) {
      if (toEvent === undefined) {
        toEvent = eventReader(cells, mapping);
        continue;
      }
      events.push(toEvent(cells));
      if (events.length === BLOCK_ROWS) {
        yield { index, events, bytes: parser.info.bytes };
        index += 1;
        events = [];
      }
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && String(error.code).startsWith("CSV_")) {
      throw new CliError(`${file}: ${error.message}`);
    }
    throw error;
  }
  if (events.length > 0) yield { index, events, bytes: parser.info.bytes };
}

function openText(file: string): Readable {
  const source = createReadStream(file);
  if (!isGzip(file)) return source;
  // The unpacker's errors and the file's own reach the reader alike.
  return pipeline(source, createGunzip(), () => {});
}

function isGzip(file: string): boolean {
  const head = Buffer.alloc(2);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, head, 0, 2, 0);
  } finally {
    closeSync(descriptor);
  }
  return head[0] === 0x1f && head[1] === 0x8b;
}
