/**
 * The directory: which stream id a name stands for. It is the instance of the stream's class that is named `directory`, so
 * that names are given out by one object. Ids are random, and a name that is used again gets a new one: whoever still
 * holds the old id reaches the deleted stream, which answers that it is gone.
 */
import { hex } from "./keys.ts";
import { migrate, schemaVersion } from "./migrations.ts";

export class Directory {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  resolve(name: string): string | null {
    if (schemaVersion(this.#storage.sql) === 0) return null;
    const [row] = this.#storage.sql
      .exec<{ stream_id: string }>("SELECT stream_id FROM stream_name WHERE name = ?", name)
      .toArray();
    return row?.stream_id ?? null;
  }

  register(name: string, now: number): { readonly streamId: string; readonly created: boolean } {
    const known = this.resolve(name);
    if (known !== null) return { streamId: known, created: false };
    migrate(this.#storage, now);
    const streamId = hex(crypto.getRandomValues(new Uint8Array(16)));
    this.#storage.sql.exec("INSERT INTO stream_name VALUES (?, ?)", name, streamId);
    return { streamId, created: true };
  }

  /** Takes the id along, so that a late call cannot free a name that meanwhile stands for another stream. */
  unregister(name: string, streamId: string): void {
    if (schemaVersion(this.#storage.sql) === 0) return;
    this.#storage.sql.exec("DELETE FROM stream_name WHERE name = ? AND stream_id = ?", name, streamId);
  }

  list(): readonly { readonly name: string; readonly streamId: string }[] {
    if (schemaVersion(this.#storage.sql) === 0) return [];
    return this.#storage.sql
      .exec<{ name: string; streamId: string }>("SELECT name, stream_id AS streamId FROM stream_name ORDER BY name")
      .toArray();
  }
}
