/**
 * The live feed as a bell: it rings when what the page shows has changed, so that the page need not ask again and again to find that
 * nothing has. Where there is no feed, or while it is away, the page asks as if there were none.
 *
 * One socket, for one question at a time; none while nobody looks. Every message is answered, so that the edge knows that it
 * was read.
 */
import type { Query } from "./api.ts";
import type { Connection } from "./config.ts";

/** Between attempts, doubling from the first to the last, each a random share of it: not all pages come back at once. */
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 30_000;

/** From here on the edge says that asking again would be in vain. */
const REFUSED_FROM = 4_000;

export class LiveBell {
  readonly #connection: Connection;
  readonly #onRing: () => void;
  #question = "";
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #isListening = false;

  /** @param onRing something has changed, or whether the bell rings at all */
  constructor(connection: Connection, onRing: () => void) {
    this.#connection = connection;
    this.#onRing = onRing;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#close() : this.#open()));
  }

  /** Whether a change would ring it. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** What is shown from now on. Null: nothing that goes on by itself. */
  follow(query: Query | null): void {
    const question = query === null ? "" : JSON.stringify({ key: this.#connection.readKey, query });
    if (question === this.#question) return;
    this.#question = question;
    this.#failures = 0;
    this.#close();
    this.#open();
  }

  #open(): void {
    if (this.#question === "" || this.#socket !== null || document.hidden) return;
    const { endpoint, stream } = this.#connection;
    const url = new URL(`/v1/streams/${encodeURIComponent(stream)}/live`, endpoint);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("open", () => socket.send(this.#question));
    socket.addEventListener("message", ({ data }) => {
      if (socket !== this.#socket) return;
      const { id } = JSON.parse(String(data)) as { id?: number };
      // A problem has none; the close that follows it says what to do.
      if (id === undefined) return;
      this.#isListening = true;
      this.#failures = 0;
      socket.send(JSON.stringify({ ack: id }));
      this.#onRing();
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket !== this.#socket) return;
      this.#close();
      this.#onRing();
      if (code < REFUSED_FROM) this.#retry();
    });
  }

  #retry(): void {
    const most = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#failures++);
    this.#timer = setTimeout(() => this.#open(), Math.random() * most);
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#isListening = false;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
