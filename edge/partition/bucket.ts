/**
 * A partition's objects in the archive's bucket: one a pack, created once and never written again. Lacks what is in them.
 *
 * The bucket is a service of its own, so that everything here may fail, and takes its time: whoever has waited for it has to look
 * again at what it knew.
 */
import { fail, ok, type Result } from "#protocol";
import { messageOf } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";

/** `lasting`: trying again will not help. */
export interface ArchiveFailure {
  readonly reason: "archive_unavailable";
  readonly detail: string;
  readonly lasting: boolean;
}

export const unavailable = (detail: string, lasting = false) =>
  fail<ArchiveFailure>({ reason: "archive_unavailable", detail, lasting });

export class Bucket {
  readonly #bucket: R2Bucket | null;
  readonly #prefix: string;

  /** @param bucket null: none is bound, and every call fails */
  constructor(bucket: R2Bucket | null, streamId: string, partition: number) {
    this.#bucket = bucket;
    this.#prefix = `${streamId}/${partition}/`;
  }

  get isBound(): boolean {
    return this.#bucket !== null;
  }

  /** Keys of packs are in the order of their offsets. */
  keyOf(baseOffset: number): string {
    return `${this.#prefix}${String(baseOffset).padStart(OFFSET_DIGITS, "0")}`;
  }

  /** @returns whether it was created; if not, there is an object under this key already */
  async create(baseOffset: number, bytes: Uint8Array, sha256: string): Promise<Result<boolean, ArchiveFailure>> {
    // The bucket compares the checksum with what it has received.
    const options = { onlyIf: { etagDoesNotMatch: "*" }, sha256 };
    return this.#attempt(async (bucket) => (await bucket.put(this.keyOf(baseOffset), bytes, options)) !== null);
  }

  async read(baseOffset: number): Promise<Result<Uint8Array, ArchiveFailure>> {
    const key = this.keyOf(baseOffset);
    const bytes = await this.#attempt(async (bucket) => {
      const found = await bucket.get(key);
      return found === null ? null : new Uint8Array(await found.arrayBuffer());
    });
    if (!bytes.ok) return bytes;
    return bytes.value === null ? unavailable(`the archive has lost ${key}`, true) : ok(bytes.value);
  }

  async remove(baseOffset: number): Promise<Result<null, ArchiveFailure>> {
    return this.#attempt(async (bucket) => {
      await bucket.delete(this.keyOf(baseOffset));
      return null;
    });
  }

  /** Removes every object of the partition. */
  async removeAll(): Promise<Result<null, ArchiveFailure>> {
    return this.#attempt(async (bucket) => {
      for (;;) {
        const { objects, truncated } = await bucket.list({
          prefix: this.#prefix,
          limit: PARTITION_LIMITS.archive.removedAtOnceMax,
        });
        if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
        if (!truncated) return null;
      }
    });
  }

  async #attempt<T>(call: (bucket: R2Bucket) => Promise<T>): Promise<Result<T, ArchiveFailure>> {
    if (this.#bucket === null) return unavailable("no bucket is bound as ARCHIVE");
    try {
      return ok(await call(this.#bucket));
    } catch (error) {
      return unavailable(messageOf(error));
    }
  }
}

/** In hexadecimal. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Of the greatest number that is exact. */
const OFFSET_DIGITS = 16;
