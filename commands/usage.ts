import { parseArgs, type ParseArgsConfig } from "node:util";
import { nameText } from "../config/runtime/name_text.ts";
import { DomainError } from "../db/domain/errors.ts";

/** The command's words are off; the message says which there are. */
export class UsageError extends Error {
  override name = "UsageError";
}

/**
 * A command's words: its options, and the one word that is none, without the blanks around it.
 *
 * @throws {UsageError} for any other word, for an option without its value, and for no or two such
 */
export function parseWords<const O extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  { usage, options }: { usage: string; options: O },
) {
  const { values, positionals } = parseStrictly(args, usage, options);
  const [name, ...rest] = positionals;
  if (name === undefined || rest.length > 0) throw new UsageError(usage);
  return { name: nameText(name), ...values };
}

function parseStrictly<const O extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  usage: string,
  options: O,
) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (cause) {
    throw new UsageError(usage, { cause });
  }
}

/** What a verb refuses, in English as all that a terminal shows; anything else as it is. */
export function usageErrorOf(error: unknown, usage: string): unknown {
  if (!(error instanceof DomainError)) return error;
  return new UsageError(`${error.english ?? error.message}\n${usage}`);
}
