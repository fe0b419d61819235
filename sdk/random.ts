/** Randomness that works in insecure contexts, too (`crypto.randomUUID` and `crypto.subtle` do not). */

/** 64 random bits as 16 hexadecimal digits. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
