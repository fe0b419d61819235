/** The stored form of dictionary additions, in the batch that brought them or in a row of their own: JSON in UTF-8. */
import type { DictionaryAdditions } from "./dictionary.ts";

export const encodeAdditions = (additions: DictionaryAdditions): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify(additions.attributes.map(({ id, name, from, values }) => [id, name, from, values])),
  );

export function decodeAdditions(bytes: Uint8Array): DictionaryAdditions {
  if (bytes.length === 0) return { attributes: [] };
  const entries = JSON.parse(new TextDecoder().decode(bytes)) as [number, string, number, (string | boolean)[]][];
  return { attributes: entries.map(([id, name, from, values]) => ({ id, name, from, values })) };
}
