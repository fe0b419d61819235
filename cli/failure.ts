/** What goes wrong, in words for whoever typed the command. Such an error is printed as one line, never as a stack. */

/** Exit codes are part of the command line's contract: docs/cli.md. */
export const EXIT = {
  ok: 0,
  /** It was understood, and could not be done. */
  failure: 1,
  /** It was not understood: see --help. */
  usage: 2,
  /** Ctrl-C, as shells count it: 128 + SIGINT. */
  interrupted: 130,
} as const;

export class CliError extends Error {
  override readonly name: string = "CliError";
  readonly exitCode: number = EXIT.failure;
}

/** The command, or its surroundings, must be written otherwise. */
export class UsageError extends CliError {
  override readonly name = "UsageError";
  override readonly exitCode = EXIT.usage;
}

/** The edge refused; `code` is stable, `detail` is for people. */
export class ApiProblem extends CliError {
  override readonly name = "ApiProblem";
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(status: number, code: string, detail: string, retryAfterMs?: number) {
    super(`${code}: ${detail}`);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No answer, or not in time. */
export class Unreachable extends CliError {
  override readonly name = "Unreachable";
}

/** Ended by Ctrl-C; the message says what goes on without us, and how to come back. */
export class Interrupted extends CliError {
  override readonly name = "Interrupted";
  override readonly exitCode = EXIT.interrupted;
}
