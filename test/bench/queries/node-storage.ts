/**
 * A Durable Object's storage over a file of node:sqlite: as much of it as edge/partition/database.ts uses, so that the very
 * partition that runs at the edge can be measured beside engines that run in Node. Lacks alarms, and the count of rows
 * written, which the bench of rows takes from the real thing.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

const MAPPED_BYTES_MAX = 16 * 1024 ** 3;

type Binding = string | number | null | ArrayBuffer | Uint8Array;
type Row = Record<string, unknown>;

export class NodeStorage {
  readonly #database: DatabaseSync;
  /** By their text, as the platform keeps them: nothing is compiled twice. */
  readonly #prepared = new Map<string, Prepared>();
  readonly #sql: NodeSql;
  #depth = 0;

  constructor(file: string) {
    this.#database = new DatabaseSync(file);
    this.#sql = new NodeSql(this);
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    // Read through the system's page cache without a call for each page: as warm as the peers' own buffers.
    this.#database.exec(`PRAGMA mmap_size = ${MAPPED_BYTES_MAX}`);
  }

  /** What `Database` takes. Only what this class has is ever called: the rest of the platform's interface is not there. */
  asDurableObjectStorage(): DurableObjectStorage {
    return this as unknown as DurableObjectStorage;
  }

  get sql(): NodeSql {
    return this.#sql;
  }

  /** Without free pages, as the platform counts. */
  get bytes(): number {
    const pragma = (name: string) => Number(this.rows(`PRAGMA ${name}`, [])[0]?.[name]);
    return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
  }

  /** All or nothing; within another one, a part of it. */
  transactionSync<T>(body: () => T): T {
    const name = `t${this.#depth}`;
    this.#database.exec(`SAVEPOINT ${name}`);
    this.#depth += 1;
    try {
      const result = body();
      this.#database.exec(`RELEASE ${name}`);
      return result;
    } catch (error) {
      this.#database.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  /** Moves what was written to the database's own file. */
  settle(): void {
    this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  close(): void {
    this.#database.close();
  }

  rows(query: string, bindings: readonly Binding[]): Row[] {
    let prepared = this.#prepared.get(query);
    if (prepared === undefined) {
      // node:sqlite takes `?1` for a name, the platform for a place.
      const statement = this.#database.prepare(query.replace(/\?(\d+)/g, ":p$1"));
      const columns = statement.columns().map(({ name }) => name);
      prepared = { statement, columns, isNumbered: /\?\d/.test(query) };
      this.#prepared.set(query, prepared);
    }
    const { statement, columns, isNumbered } = prepared;
    const rows = isNumbered
      ? statement.all(Object.fromEntries(bindings.map((value, i) => [`p${i + 1}`, bindable(value)])))
      : statement.all(...bindings.map(bindable));
    for (const row of rows) {
      for (const name of columns) {
        const value = row[name];
        if (value instanceof Uint8Array) (row as Row)[name] = bufferOf(value);
      }
    }
    return rows;
  }
}

interface Prepared {
  readonly statement: StatementSync;
  /** Names of what it answers. */
  readonly columns: readonly string[];
  /** Whether its parameters have numbers. */
  readonly isNumbered: boolean;
}

const bindable = (value: Binding): SQLInputValue => (value instanceof ArrayBuffer ? new Uint8Array(value) : value);

/** The platform hands blobs out as buffers. */
const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBufferLike =>
  byteOffset === 0 && byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);

class NodeSql {
  readonly #storage: NodeStorage;

  constructor(storage: NodeStorage) {
    this.#storage = storage;
  }

  get databaseSize(): number {
    return this.#storage.bytes;
  }

  exec(query: string, ...bindings: Binding[]) {
    const rows = this.#storage.rows(query, bindings);
    return { toArray: () => rows, rowsWritten: 0 };
  }
}
