import { DeadlineError } from "../config/runtime/deadline.ts";

export interface Answer {
  status: number;
  /** Undefined when it was no JSON object. */
  json: Record<string, unknown> | undefined;
}

export interface AskOptions extends RequestInit {
  /** Whom errors speak of. */
  service: string;
  /** From the connection to the last byte of the answer, ms. */
  timeoutMs: number;
  /** What no error may show. */
  secrets: string[];
  /** Most an answer may say. */
  bytesMax?: number;
}

/** Answers of the services asked here are a few hundred bytes. */
const ANSWER_BYTES_MAX = 64 * 1024;
const QUOTED_LENGTH_MAX = 200;

/**
 * Asks another service once: no redirects, a deadline, a bound on the answer. Errors of `fetch`
 * quote the address with its parameters, so only a cleaned text of theirs is passed on.
 */
export async function ask(url: URL, options: AskOptions): Promise<Answer> {
  const { service, timeoutMs, secrets, bytesMax, ...init } = options;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(url, { ...init, redirect: "manual", signal });
    return { status: response.status, json: parseObject(await readBounded(response, bytesMax)) };
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError") {
      throw new DeadlineError(service, timeoutMs);
    }
    throw new Error(`${service}: ${cleaned(reasonOf(error), secrets)}`);
  }
}

/** A text of another service without secrets and addresses, short enough for a log. */
export function cleaned(text: string, secrets: string[]): string {
  const shown = secrets.filter(Boolean).reduce(
    (rest, secret) => rest.replaceAll(secret, "…"),
    text.replaceAll(/https?:\/\/[^\s)]+/g, "…"),
  );
  return shown.length > QUOTED_LENGTH_MAX ? `${shown.slice(0, QUOTED_LENGTH_MAX)}…` : shown;
}

export async function readBounded(
  response: Response,
  bytesMax: number = ANSWER_BYTES_MAX,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let byteCount = 0;
  // Leaving the loop cancels the body, which closes the connection.
  for await (const chunk of response.body ?? []) {
    byteCount += chunk.byteLength;
    if (byteCount > bytesMax) throw new Error("answered at too great a length");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const json = JSON.parse(text);
    return typeof json === "object" && json !== null && !Array.isArray(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

/** `fetch` says only "fetch failed"; why (refused, unknown host, certificate) is its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
