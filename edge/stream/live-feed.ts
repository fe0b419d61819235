/**
 * The live feed: sockets that are told the answer to their question whenever it changes, at most once a second.
 *
 *   open ──first message {key, query}──► admitted ──► an answer at once, then one for each change
 *     └─ 5 s without one: closed            └─ key revoked, stream deleted, too slow: closed, with the reason
 *
 * Sockets hibernate: what is known of one is attached to it, and an object that is woken goes on where it was. Partitions tell that
 * their log has grown while somebody listens; time goes on by itself, so that all is asked again when a minute begins. Each
 * message is a whole answer, so whoever comes back after a break has missed nothing that counts.
 *
 * Lacks questions and answers: they are handed in, because what can answer stands above this room.
 */
import { crc32c } from "#engine";
import type { Result } from "#protocol";
import { STREAM_LIMITS } from "./limits.ts";
import type { QueryContext } from "./rpc.ts";

const MINUTE_MS = 60_000;

/** Why a socket is refused or closed. The code is in the close frame's reason, too; see `CLOSE_CODES`. */
export interface LiveProblem {
  readonly code: string;
  readonly status: number;
  readonly [member: string]: unknown;
}

/** What answers. */
export interface LiveQuestions {
  /** Reads a socket's first message: whose key it is, and the question as text, the same for the same question. */
  admit(
    env: Env,
    context: QueryContext,
    message: string,
  ): Promise<Result<{ readonly keyId: string; readonly question: string }, LiveProblem>>;
  /** @returns the answer, and the part of it whose change is worth a message */
  answer(
    env: Env,
    stream: string,
    context: QueryContext,
    question: string,
  ): Promise<Result<{ readonly message: object; readonly content: string }, LiveProblem>>;
}

/** What is attached to a socket. */
interface Seat {
  readonly openedAt: number;
  /** Null until it is admitted. */
  readonly keyId: string | null;
  readonly question: string | null;
  /** Of the content that it was sent last. */
  readonly digest: number | null;
  /** Messages that it was sent, and those since it last said anything. */
  readonly sent: number;
  readonly unanswered: number;
}

export interface LiveFeedOptions {
  readonly ctx: DurableObjectState;
  readonly env: Env;
  readonly questions: LiveQuestions;
  /** The stream as it is now; null: it is gone. */
  readonly stream: () => { readonly name: string; readonly context: QueryContext } | null;
  /** Makes the partitions tell when they grow. */
  readonly listen: () => Promise<void>;
  /** When {@link LiveFeed.due} may have changed. */
  readonly onDue: () => void;
}

export class LiveFeed {
  readonly #options: LiveFeedOptions;
  #ranAt = 0;
  #isRunning = false;
  #isDirty = false;

  constructor(options: LiveFeedOptions) {
    this.#options = options;
    // A timer does not outlive hibernation: those that waited for a first message are waited for anew.
    for (const socket of this.#sockets) if (seatOf(socket).keyId === null) this.#expectMessage(socket);
  }

  get #sockets(): readonly WebSocket[] {
    return this.#options.ctx.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN);
  }

  get #listeners(): readonly WebSocket[] {
    return this.#sockets.filter((socket) => seatOf(socket).keyId !== null);
  }

  get size(): number {
    return this.#sockets.length;
  }

  /** Takes a socket in; null: there are too many. */
  open(): Response | null {
    if (this.#sockets.length >= STREAM_LIMITS.socketsMax) return null;
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    this.#options.ctx.acceptWebSocket(server);
    seat(server, { openedAt: Date.now(), keyId: null, question: null, digest: null, sent: 0, unanswered: 0 });
    this.#expectMessage(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** A socket has said something: its question, or that it has read what it was sent. */
  async hear(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const known = seatOf(socket);
    if (known.keyId !== null) return seat(socket, { ...known, unanswered: 0 });
    const stream = this.#options.stream();
    if (stream === null) return refuse(socket, { code: "unknown_stream", status: 404 });
    const text = typeof message === "string" ? message : new TextDecoder().decode(message);
    const admitted = await this.#options.questions.admit(this.#options.env, stream.context, text);
    if (!admitted.ok) return refuse(socket, admitted.failure);
    const { keyId, question } = admitted.value;
    const asked = new Set(this.#listeners.map((other) => seatOf(other).question));
    if (!asked.has(question) && asked.size >= STREAM_LIMITS.liveQuestionsMax) {
      return refuse(socket, { code: "too_many_questions", status: 429, max: STREAM_LIMITS.liveQuestionsMax });
    }
    seat(socket, { ...known, keyId, question });
    this.#options.onDue();
    await this.#options.listen();
    await this.#answer(question, [socket]);
  }

  /** Something may have changed. @returns whether anybody listens */
  noteChange(): boolean {
    this.#isDirty = true;
    const isListenedTo = this.#listeners.length > 0;
    if (isListenedTo && !this.#isRunning) void this.#run();
    return isListenedTo;
  }

  /** Nobody gets an answer any more. */
  closeAll(code: string): void {
    for (const socket of this.#sockets) refuse(socket, { code, status: 404 });
  }

  /** When a minute begins, `last` has moved on. Null: nobody listens. */
  due(now: number): number | null {
    return this.#listeners.length === 0 ? null : (Math.floor(now / MINUTE_MS) + 1) * MINUTE_MS;
  }

  /** Asks every question again, once a second at most, until nothing has changed since. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#isDirty && this.#listeners.length > 0) {
        const wait = this.#ranAt + STREAM_LIMITS.liveEveryMs - Date.now();
        if (wait > 0) await scheduler.wait(wait);
        this.#isDirty = false;
        this.#ranAt = Date.now();
        await this.#answerAll();
      }
    } catch (error) {
      console.error("stream: the live feed could not be answered", error);
      this.#isDirty = true;
    } finally {
      this.#isRunning = false;
    }
  }

  async #answerAll(): Promise<void> {
    const stream = this.#options.stream();
    if (stream === null) return this.closeAll("unknown_stream");
    const inForce = new Set(stream.context.keys.map(({ id }) => id));
    for (const socket of this.#listeners) {
      if (!inForce.has(String(seatOf(socket).keyId))) refuse(socket, { code: "unauthorized", status: 401 });
    }
    const byQuestion = Map.groupBy(this.#listeners, (socket) => String(seatOf(socket).question));
    await Promise.all([...byQuestion].map(([question, sockets]) => this.#answer(question, sockets)));
  }

  /** Sends the answer to all whose last one was another. */
  async #answer(question: string, sockets: readonly WebSocket[]): Promise<void> {
    const { env, questions, stream } = this.#options;
    const now = stream();
    if (now === null) return;
    const answer = await questions.answer(env, now.name, now.context, question);
    if (!answer.ok) {
      // What passes by itself is tried again at the next change; all else would be refused again.
      if (answer.failure.status >= 500 || answer.failure.status === 409) return;
      for (const socket of sockets) refuse(socket, answer.failure);
      return;
    }
    const { message, content } = answer.value;
    const bytes = new TextEncoder().encode(content);
    const digest = crc32c(bytes, 0, bytes.length);
    for (const socket of sockets) {
      const known = seatOf(socket);
      if (known.digest === digest) continue;
      if (known.unanswered >= STREAM_LIMITS.liveUnansweredMax) {
        refuse(socket, { code: "too_slow", status: 429, unanswered: known.unanswered });
        continue;
      }
      seat(socket, { ...known, digest, sent: known.sent + 1, unanswered: known.unanswered + 1 });
      say(socket, { id: known.sent + 1, ...message });
    }
  }

  #expectMessage(socket: WebSocket): void {
    setTimeout(() => {
      if (seatOf(socket).keyId === null) refuse(socket, { code: "unauthorized", status: 401 });
    }, STREAM_LIMITS.firstMessageMs);
  }
}

const seatOf = (socket: WebSocket): Seat => socket.deserializeAttachment() as Seat;
const seat = (socket: WebSocket, value: Seat): void => socket.serializeAttachment(value);

/** Says why, and closes: the close frame has the code, 4000 and the HTTP status that it would have been. */
function refuse(socket: WebSocket, problem: LiveProblem): void {
  say(socket, { problem });
  try {
    socket.close(4_000 + problem.status, problem.code);
  } catch {
    // It is closed already.
  }
}

function say(socket: WebSocket, message: object): void {
  try {
    socket.send(JSON.stringify(message));
  } catch {
    // It has gone; the platform tells by closing it.
  }
}
