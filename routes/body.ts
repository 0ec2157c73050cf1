import { DomainError } from "../db/domain/errors.ts";

/** How long a whole body may take, and how long a file may be silent, ms. */
export const BODY_TIMEOUT_MS = 15_000;
/** How long a whole file may take, ms. */
export const FILE_TIMEOUT_MS = 5 * 60_000;

/** Whoever called has gone away in the middle of their body: nobody is there to be answered. */
export class CallerGoneError extends Error {
  override name = "CallerGoneError";
}

export interface BodyLimits {
  bytesMax: number;
  /** For all of it, counted from now and not per byte: a byte a second ends too. */
  timeoutMs?: number;
  /** Between two pieces. */
  silenceMs?: number;
}

/**
 * A request's whole body. One whose length is announced comes without a stream, which costs as
 * much as all else about a call.
 *
 * @throws as {@link readBody}
 */
export async function readWholeBody(request: Request, limits: BodyLimits): Promise<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced === null || !/^[1-9]\d{0,9}$/.test(announced)) {
    return Buffer.concat(await Array.fromAsync(readBody(request, limits)));
  }
  if (Number(announced) > limits.bytesMax) throw new DomainError("request_too_large");
  const bytes = await within(limits.timeoutMs ?? BODY_TIMEOUT_MS, request.bytes());
  if (bytes.byteLength > limits.bytesMax) throw new DomainError("request_too_large");
  return bytes;
}

/**
 * A request's body, piece by piece, within limits.
 *
 * @throws {DomainError} `request_too_large`, `request_timeout`; {@link CallerGoneError}
 */
export async function* readBody(
  request: Request,
  { bytesMax, timeoutMs = BODY_TIMEOUT_MS, silenceMs = BODY_TIMEOUT_MS }: BodyLimits,
): AsyncGenerator<Uint8Array> {
  if (!request.body) return;
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) {
    throw new DomainError("request_too_large");
  }
  const reader = request.body.getReader();
  const endsAt = performance.now() + timeoutMs;
  let byteCount = 0;
  try {
    for (;;) {
      const leftMs = Math.max(0, endsAt - performance.now());
      const { done, value } = await within(Math.min(silenceMs, leftMs), reader.read());
      if (done) return;
      byteCount += value.byteLength;
      if (byteCount > bytesMax) throw new DomainError("request_too_large");
      yield value;
    }
  } finally {
    // Of whoever stops reading nothing more is wanted; a body that is over does not mind.
    reader.cancel().catch(() => {});
  }
}

async function within<Read>(waitMs: number, reading: Promise<Read>): Promise<Read> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DomainError("request_timeout")), waitMs);
  const piece = reading.catch((cause) => {
    throw new CallerGoneError("the caller went away", { cause });
  });
  try {
    return await Promise.race([piece, late]);
  } finally {
    clearTimeout(timer);
    piece.catch(() => {});
  }
}
