import { type CsvError, parse } from "csv-parse/stream";
import { DomainError } from "../../../db/domain/errors.ts";
import type { CsvRow } from "../../../db/domain/payouts/take_feedback.ts";

/** Bytes by which the encoding is told: the contract's first line is not half as long. */
const HEAD_BYTES = 1_024;
/** Longest line, characters. */
const LINE_LENGTH_MAX = 64 * 1_024;

/**
 * The lines of a CSV file as it comes in, UTF-8 (with a byte order mark or without) or GB18030, as
 * Chinese spreadsheets save it. Lines end as on any system, empty ones are left out, and a quote
 * within a cell that is not quoted is a quote.
 *
 * @throws {DomainError} `params_invalid` when it is none, from the place on where it is not
 */
export async function* readCsv(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<CsvRow> {
  const parser = parse({
    info: true,
    max_record_size: LINE_LENGTH_MAX,
    record_delimiter: ["\r\n", "\n", "\r"],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
  });
  const utf8 = ReadableStream.from(decode(bytes)).pipeThrough(new TextEncoderStream());
  const lines = utf8.pipeThrough(withoutQueue(parser));
  try {
    for await (const { info, record } of lines) yield { line: info.lines, cells: record };
  } catch (error) {
    throw isCsvError(error)
      ? unreadable(
        {
          message: `第${error.lines}行格式不正确`,
          english: `Line ${error.lines} is no CSV`,
        },
        error,
      )
      : error;
  }
}

interface ParsedLine {
  info: { lines: number };
  record: string[];
}

/** The parser would let a thousand pieces of the file wait; each is written when it can be taken. */
function withoutQueue(parser: TransformStream<Uint8Array, ParsedLine>) {
  const writer = parser.writable.getWriter();
  const writable = new WritableStream<Uint8Array>({
    write: (part) => writer.write(part),
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  });
  return { readable: parser.readable, writable };
}

async function* decode(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let head = new Uint8Array();
  let decoder: TextDecoder | undefined;
  const text = (part?: Uint8Array) => {
    try {
      return part ? decoder!.decode(part, { stream: true }) : decoder!.decode();
    } catch (cause) {
      throw unreadable({
        message: "文件编码不正确，应为 UTF-8 或 GB18030",
        english: "The file is neither UTF-8 nor GB18030",
      }, cause);
    }
  };
  for await (const part of bytes) {
    if (decoder) {
      yield text(part);
      continue;
    }
    head = Uint8Array.from([...head, ...part]);
    if (head.length < HEAD_BYTES) continue;
    decoder = decoderFor(head);
    yield text(head);
  }
  decoder ??= decoderFor(head);
  if (head.length < HEAD_BYTES) yield text(head);
  yield text();
}

/** Chinese in GB18030 is never right in UTF-8, and the contract's first line is Chinese. */
function decoderFor(head: Uint8Array): TextDecoder {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return new TextDecoder("utf-8", { fatal: true });
  } catch {
    return new TextDecoder("gb18030", { fatal: true });
  }
}

function isCsvError(error: unknown): error is CsvError & { lines: number } {
  return error instanceof Error && "lines" in error;
}

/** What stood before the place may have been entered already: sent again it changes nothing. */
function unreadable(
  { message, english }: { message: string; english: string },
  cause: unknown,
): DomainError {
  return new DomainError("params_invalid", {
    message: `${message}，修正后请重新上传`,
    english: `${english}; mend it and send it again`,
    cause,
  });
}
