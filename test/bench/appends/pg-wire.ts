/**
 * As much of PostgreSQL's wire protocol (version 3) as the bench needs: log in without a password, prepare one statement,
 * run it with text parameters. By hand, so that messages can be prepared before the clock runs, and the client costs nothing.
 */
import { Exchange, type FindReply } from "./socket.ts";

export class PgConnection {
  readonly #exchange: Exchange;

  private constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  static async open(port: number, user: string): Promise<PgConnection> {
    const exchange = await Exchange.open(port);
    const body = Buffer.from(`\0\x03\0\0user\0${user}\0database\0postgres\0\0`, "latin1");
    await exchange.request([int32(body.length + 4), body], findReady);
    return new PgConnection(exchange);
  }

  /** Runs statements; answers are not read. */
  async run(sql: string): Promise<void> {
    await this.send([message("Q", cstring(sql))]);
  }

  /** Prepares the connection's one statement. */
  async prepare(sql: string): Promise<void> {
    await this.send([
      message("P", Buffer.concat([cstring(""), cstring(sql), int16(0)])),
      message("S", Buffer.alloc(0)),
    ]);
  }

  /** Sends messages that end with a Sync, and waits until the server is ready again. */
  async send(messages: readonly Buffer[]): Promise<void> {
    const reply = await this.#exchange.request(messages, findReady);
    if (reply.includes("SFATAL") || reply.includes("SERROR")) throw new Error(reply.toString("latin1"));
  }

  close(): void {
    this.#exchange.close();
  }
}

/** One run of the prepared statement: Bind, Execute, Sync. */
export function execution(parameters: readonly string[]): Buffer {
  const values = parameters.map((text) => {
    const bytes = Buffer.from(text);
    return Buffer.concat([int32(bytes.length), bytes]);
  });
  const bind = [cstring(""), cstring(""), int16(0), int16(parameters.length), ...values, int16(0)];
  return Buffer.concat([
    message("B", Buffer.concat(bind)),
    message("E", Buffer.concat([cstring(""), int32(0)])),
    message("S", Buffer.alloc(0)),
  ]);
}

/** Replies end with ReadyForQuery: `Z`, a length of 5, and the state. */
const findReady: FindReply = (bytes) => {
  let at = 0;
  while (at + 5 <= bytes.length) {
    const next = at + 1 + bytes.readInt32BE(at + 1);
    if (bytes[at] === READY && next <= bytes.length) return next;
    // A failure to log in ends without ReadyForQuery.
    if (bytes[at] === ERROR && bytes.indexOf("SFATAL", at) > 0) return bytes.length;
    at = next;
  }
  return 0;
};

const READY = "Z".charCodeAt(0);
const ERROR = "E".charCodeAt(0);

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

const cstring = (text: string): Buffer => Buffer.from(`${text}\0`);

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
