/**
 * The object's SQLite database behind one small door, so that every row written is counted: rows are what the platform
 * bills. Lacks any knowledge of tables.
 */
import { assert } from "#protocol";

type Binding = string | number | null | ArrayBuffer | ArrayBufferView;
type Row = Record<string, SqlStorageValue>;

export class Database {
  readonly #storage: DurableObjectStorage;
  #rowsWritten = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** All rows of a query. Callers bound it: a cursor that is held across an await has no snapshot. */
  all<T extends Row>(query: string, ...bindings: Binding[]): T[] {
    const cursor = this.#storage.sql.exec<T>(query, ...bindings);
    const rows = cursor.toArray();
    this.#rowsWritten += cursor.rowsWritten;
    return rows;
  }

  first<T extends Row>(query: string, ...bindings: Binding[]): T | undefined {
    return this.all<T>(query, ...bindings)[0];
  }

  /** For a query that always has exactly one row, such as a count. */
  only<T extends Row>(query: string, ...bindings: Binding[]): T {
    const row = this.first<T>(query, ...bindings);
    assert(row !== undefined, `a row of: ${query}`);
    return row;
  }

  run(query: string, ...bindings: Binding[]): void {
    this.all(query, ...bindings);
  }

  /** Either all that `body` writes, or, if it throws, nothing. Without it, what came before a throw stays. */
  transaction<T>(body: () => T): T {
    return this.#storage.transactionSync(body);
  }

  /** Bytes that the database takes, free pages not counted. */
  get bytes(): number {
    return this.#storage.sql.databaseSize;
  }

  /** Rows inserted, updated and deleted since the object woke, alarms included. */
  get rowsWritten(): number {
    return this.#rowsWritten;
  }

  /** Setting an alarm is billed as a row. */
  countAlarm(): void {
    this.#rowsWritten += 1;
  }
}
