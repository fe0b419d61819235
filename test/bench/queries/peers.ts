/**
 * The other engines' packages. They are installed beside their own lock, in test/bench/peers, and only when somebody measures;
 * so their types are not there when the project is checked, and what is used of them is declared by hand.
 */
import { createRequire } from "node:module";
import { join } from "node:path";

export interface DuckDbModule {
  readonly DuckDBInstance: {
    create(path: string, options: Record<string, string>): Promise<DuckDbInstance>;
  };
}

export interface DuckDbInstance {
  connect(): Promise<DuckDbConnection>;
  closeSync(): void;
}

export interface DuckDbConnection {
  run(sql: string): Promise<unknown>;
  runAndReadAll(sql: string): Promise<{ getRows(): unknown[][] }>;
  closeSync(): void;
}

export interface ChdbModule {
  readonly Session: new (path: string) => ChdbSession;
}

export interface ChdbSession {
  query(sql: string, format: string): string;
  close(): void;
}

const requirePeer = createRequire(join(import.meta.dirname, "..", "peers", "package.json"));

export const loadDuckDb = (): DuckDbModule => requirePeer("@duckdb/node-api") as DuckDbModule;
export const loadChdb = (): ChdbModule => requirePeer("chdb") as ChdbModule;
