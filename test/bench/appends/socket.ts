/**
 * A connection on which one request waits for one reply: all that a client in a closed loop needs. Raw sockets, because a
 * client library takes longer over a request than some of the servers do, and would be what is measured.
 *
 * Lacks pipelining, reconnecting and timeouts.
 */
import { connect, type Socket } from "node:net";
import { type Client, NO_REFUSALS } from "./contender.ts";

/**
 * Looks for the end of a reply.
 *
 * @returns the bytes that it takes; 0 if there is more to come
 */
export type FindReply = (bytes: Buffer) => number;

export class Exchange {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #find: FindReply = () => 0;
  #waiting: { resolve: (reply: Buffer) => void; reject: (error: Error) => void } | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#take(chunk));
    const fail = (error: Error) => {
      this.#waiting?.reject(error);
      this.#waiting = null;
    };
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("the server closed the connection")));
  }

  static open(port: number, host = "127.0.0.1"): Promise<Exchange> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, host);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new Exchange(socket));
      });
    });
  }

  /** Sends the parts of a request together, and waits for the whole reply. */
  request(parts: readonly (Buffer | string)[], find: FindReply): Promise<Buffer> {
    this.#find = find;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.cork();
      for (const part of parts) this.#socket.write(part);
      this.#socket.uncork();
    });
  }

  close(): void {
    this.#waiting = null;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const length = this.#find(this.#received);
    if (length === 0 || this.#waiting === null) return;
    const reply = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    const { resolve } = this.#waiting;
    this.#waiting = null;
    resolve(reply);
  }
}

/** A client that sends its batches one after the other, over and over. @param check throws if a reply refuses */
export function exchangingClient(
  exchange: Exchange,
  batches: readonly Buffer[],
  find: FindReply,
  check: (reply: Buffer) => void,
): Client {
  let sent = 0;
  return {
    async send() {
      check(await exchange.request([batches[sent++ % batches.length] as Buffer], find));
      return NO_REFUSALS;
    },
    close: () => exchange.close(),
  };
}

/** The end of an HTTP/1.1 response that says its length, as those of all servers here do. */
export const findResponse: FindReply = (bytes) => {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return 0;
  const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString("latin1", 0, end))?.[1];
  if (length === undefined) throw new Error("a response without Content-Length");
  const total = end + 4 + Number(length);
  return bytes.length >= total ? total : 0;
};

/** The status of a response, from its first line. */
export const statusOf = (response: Buffer): number => Number(response.toString("latin1", 9, 12));

export const textOf = (response: Buffer): string => response.toString("utf8", response.indexOf("\r\n\r\n") + 4);
