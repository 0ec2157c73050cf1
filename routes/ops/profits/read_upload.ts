import { once } from "node:events";
import { Busboy, type BusboyFileStream } from "@fastify/busboy";
import { DomainError } from "../../../db/domain/errors.ts";
import { CallerGoneError, FILE_TIMEOUT_MS, readBody } from "../../body.ts";

/** Largest upload, bytes: a million records are a fifth of it. */
export const UPLOAD_BYTES_MAX = 512 * 1024 * 1024;

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

/**
 * The bytes of an uploaded CSV file as they come in: the part `file` of a form, or a body that is
 * the file itself. Nothing is kept; whoever stops reading stops the upload.
 *
 * @throws {DomainError} `request_malformed` without a file, `request_too_large`, `request_timeout`;
 *   {@link CallerGoneError}
 */
export function readUpload(request: Request): AsyncIterable<Uint8Array> {
  const contentType = request.headers.get("content-type") ?? "";
  const type = contentType.split(";")[0]!.trim().toLowerCase();
  const body = readBody(request, { bytesMax: UPLOAD_BYTES_MAX, timeoutMs: FILE_TIMEOUT_MS });
  if (type === "text/csv") return body;
  if (type === "multipart/form-data") return readPart(body, contentType);
  throw new DomainError("request_malformed", { message: `不支持的 Content-Type: ${type}` });
}

async function* readPart(
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
  form.on("finish", () => file.reject(malformed("没有上传文件 file")));
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
