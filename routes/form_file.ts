import { once } from "node:events";
import { Busboy, type BusboyFileStream } from "@fastify/busboy";
import { DomainError } from "../db/domain/errors.ts";
import { mediaTypeOf, SIGNATURE_BYTES } from "../providers/file_types.ts";
import type { GivenFile, Storage } from "../providers/storage.ts";
import { CallerGoneError, FILE_TIMEOUT_MS, readBody } from "./body.ts";

const FIELD = "file";
const LIMITS = {
  files: 1,
  fields: 20,
  parts: 30,
  fieldNameSize: 100,
  fieldSize: 1_000,
  headerPairs: 20,
  headerSize: 8_000,
};

/** What a form has besides its file, bytes at most. */
const FORM_BYTES_MAX = 64 * 1024;

/** A file of a form that has begun to come in. */
export interface UploadedFile {
  /** By its first bytes; undefined: nothing a page may show or play. */
  mediaType: string | undefined;
  /** The whole of it. */
  content: GivenFile["content"];
  /** Of who does not read the content: no more of it need come. */
  refuse(): Promise<void>;
}

/**
 * The part `file` of a request that is a form, as far as tells what it is; the rest comes as it is
 * read.
 *
 * @throws as {@link readFormFile}; `request_too_large`, also of `content`
 */
export async function openUploadedFile(
  request: Request,
  { bytesMax }: { bytesMax: number },
): Promise<UploadedFile> {
  const contentType = request.headers.get("content-type") ?? "";
  const type = contentType.split(";")[0]!.trim().toLowerCase();
  if (type !== "multipart/form-data") {
    throw new DomainError("request_malformed", { message: `不支持的 Content-Type: ${type}` });
  }
  const body = readBody(request, {
    bytesMax: bytesMax + FORM_BYTES_MAX,
    timeoutMs: FILE_TIMEOUT_MS,
  });
  const pieces = readFormFile(body, contentType)[Symbol.asyncIterator]();
  let head = new Uint8Array();
  let next = await pieces.next();
  for (; !next.done && head.byteLength < SIGNATURE_BYTES; next = await pieces.next()) {
    head = Uint8Array.from(Buffer.concat([head, next.value]));
  }
  let byteCount = 0;
  const counted = (piece: Uint8Array) => {
    byteCount += piece.byteLength;
    if (byteCount > bytesMax) throw new DomainError("request_too_large");
    return Uint8Array.from(piece);
  };
  async function* all(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      yield counted(head);
      for (; !next.done; next = await pieces.next()) yield counted(next.value);
    } finally {
      await pieces.return?.(undefined);
    }
  }
  const refuse = async () => void await pieces.return?.(undefined);
  return { mediaType: mediaTypeOf(head), content: all(), refuse };
}

/**
 * Has a file kept as it comes in.
 *
 * @throws {DomainError} as its content does, or `service_unavailable` when the storage does not
 *   take it
 */
export async function storeFile(storage: Storage, file: GivenFile): Promise<void> {
  let broken: unknown;
  async function* watched() {
    try {
      yield* file.content;
    } catch (error) {
      broken = error;
      throw error;
    }
  }
  try {
    await storage.put({ ...file, content: watched() });
  } catch (cause) {
    throw broken ?? new DomainError("service_unavailable", { cause });
  }
}

/**
 * The bytes of the part `file` of a form, no faster than they are read. Nothing is kept; whoever
 * stops reading stops the upload.
 *
 * @throws {DomainError} `request_malformed` without a file; what the body throws
 */
export async function* readFormFile(
  body: AsyncIterable<Uint8Array>,
  contentType: string,
): AsyncGenerator<Uint8Array> {
  const form = openForm(contentType);
  const file = Promise.withResolvers<BusboyFileStream>();
  let part: BusboyFileStream | undefined;
  form.on("file", (name, stream) => {
    // Unheard, the end of a form in the middle of its file would end the process.
    stream.on("error", () => {});
    if (name !== FIELD || part) return void stream.resume();
    part = stream;
    file.resolve(stream);
  });
  form.on("finish", () => file.reject(malformed("没有上传文件")));
  const fail = (error: unknown) => {
    file.reject(error);
    part?.destroy(error as Error);
  };
  form.on("error", fail);

  const stop = new AbortController();
  const feeding = feed(body, form, stop.signal).catch((error) => {
    if (!stop.signal.aborted) fail(error);
  });
  try {
    yield* await file.promise;
    await feeding;
  } catch (error) {
    const isKnown = error instanceof DomainError || error instanceof CallerGoneError;
    throw isKnown ? error : malformed("表单不完整", error);
  } finally {
    stop.abort();
  }
}

function openForm(contentType: string) {
  try {
    return new Busboy({ headers: { "content-type": contentType }, limits: LIMITS });
  } catch (cause) {
    throw malformed("表单不完整", cause);
  }
}

/** Gives the form what comes in, no faster than its file is read. */
async function feed(
  body: AsyncIterable<Uint8Array>,
  form: ReturnType<typeof openForm>,
  signal: AbortSignal,
): Promise<void> {
  for await (const bytes of body) {
    if (!form.write(bytes)) await once(form, "drain", { signal });
  }
  form.end();
}

function malformed(message: string, cause?: unknown): DomainError {
  return new DomainError("request_malformed", { message, cause });
}
