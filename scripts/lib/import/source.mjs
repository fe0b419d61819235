// A CSV file, gzipped or not: its identity, and its rows in blocks.
import { parse } from "csv-parse";
import { createHash } from "node:crypto";
import { createReadStream, openSync, readSync, closeSync } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { UserError } from "../project.mjs";
import { eventReader } from "./columns.mjs";

/**
 * Rows of one block, which is sent as one batch. With the number of producers, this is what gives a row its producer and
 * its sequence: neither may ever change, or a second run would count everything again.
 */
export const BLOCK_ROWS = 1_000;

/**
 * @param {string} file
 * @returns {Promise<{ digest: string, bytes: number }>} SHA-256 and length of the text, unpacked
 */
export async function identify(file) {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of openText(file)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { digest: hash.digest("hex"), bytes };
}

/**
 * @typedef {object} Block
 * @property {number} index counts from 0
 * @property {readonly import("./columns.mjs").ImportedEvent[]} events
 * @property {number} bytes of the text that had been read when the block was full
 */

/**
 * @param {string} file
 * @param {import("./arguments.mjs").ImportArguments} mapping
 * @returns {AsyncGenerator<Block>}
 */
export async function* readBlocks(file, mapping) {
  /** @type {ReturnType<typeof eventReader> | undefined} */
  let toEvent;
  /** @type {import("./columns.mjs").ImportedEvent[]} */
  let events = [];
  let index = 0;
  const parser = parse({ bom: true, skip_empty_lines: true });
  pipeline(openText(file), parser, () => {}); // an error reaches the loop below through the parser
  try {
    for await (const cells of parser) {
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
      throw new UserError(`${file}: ${error.message}`);
    }
    throw error;
  }
  if (events.length > 0) yield { index, events, bytes: parser.info.bytes };
}

/** @param {string} file */
function openText(file) {
  const source = createReadStream(file);
  if (!isGzip(file)) return source;
  // The unpacker's errors and the file's own reach the reader alike.
  return pipeline(source, createGunzip(), () => {});
}

/** @param {string} file */
function isGzip(file) {
  const head = Buffer.alloc(2);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, head, 0, 2, 0);
  } finally {
    closeSync(descriptor);
  }
  return head[0] === 0x1f && head[1] === 0x8b;
}
