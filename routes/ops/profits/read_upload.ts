import { DomainError } from "../../../db/domain/errors.ts";
import { FILE_TIMEOUT_MS, readBody } from "../../body.ts";
import { readFormFile } from "../../form_file.ts";

/** Largest upload, bytes: a million records are a fifth of it. */
export const UPLOAD_BYTES_MAX = 512 * 1024 * 1024;

/**
 * The bytes of an uploaded CSV file as they come in: the part `file` of a form, or a body that is
 * the file itself. Nothing is kept; whoever stops reading stops the upload.
 *
 * @throws {DomainError} `request_malformed` without a file, `request_too_large`, `request_timeout`;
 *   `CallerGoneError`
 */
export function readUpload(request: Request): AsyncIterable<Uint8Array> {
  const contentType = request.headers.get("content-type") ?? "";
  const type = contentType.split(";")[0]!.trim().toLowerCase();
  const body = readBody(request, { bytesMax: UPLOAD_BYTES_MAX, timeoutMs: FILE_TIMEOUT_MS });
  if (type === "text/csv") return body;
  if (type === "multipart/form-data") return readFormFile(body, contentType);
  throw new DomainError("request_malformed", { message: `不支持的 Content-Type: ${type}` });
}
