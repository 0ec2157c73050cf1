export class DeadlineError extends Error {
  constructor(what: string, timeoutMs: number) {
    super(`${what} did not answer within ${timeoutMs} ms`);
    this.name = "DeadlineError";
  }
}

/**
 * Answers with `call`, or throws {@link DeadlineError}. A call that cannot be cancelled goes on;
 * its late failure is swallowed so that it never ends the process.
 */
export async function withDeadline<T>(
  what: string,
  timeoutMs: number,
  call: () => Promise<T>,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DeadlineError(what, timeoutMs)), timeoutMs);
  const answer = call();
  answer.catch(() => {});
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
