import { randomHex32, sha256Hex } from "../../config/keys.ts";
import { lazy } from "../../config/runtime/lazy.ts";
import { DomainError } from "../../db/domain/errors.ts";
import type { Storage } from "../../providers/storage.ts";
import { Redirected, Streamed } from "../endpoint.ts";

export const AVATAR_BYTES_MAX = 5 * 1024 * 1024;
/** What avatars may be, by what the file is. */
const EXTENSIONS: Record<string, string> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/webp": "webp",
};
/** An avatar's address stays; clients ask with another `v` when it has changed. */
const CACHED = { "Cache-Control": "public, max-age=300" };

const loadForms = lazy(() => import("../form_file.ts"));

/**
 * Keeps the picture of a form.
 *
 * @returns its address
 * @throws {DomainError} `params_invalid` for what is no picture, or too large a one,
 *   `request_malformed`, `service_unavailable`
 */
export async function keepAvatar(
  storage: Storage,
  { request, folder, origin }: { request: Request; folder: string; origin: string },
): Promise<string> {
  const { openUploadedFile, storeFile } = await loadForms();
  const file = await openUploadedFile(request, { bytesMax: AVATAR_BYTES_MAX });
  const extension = EXTENSIONS[file.mediaType ?? ""];
  if (extension === undefined) {
    await file.refuse();
    throw new DomainError("params_invalid", { message: "头像应为 PNG、JPEG、GIF 或 WebP 图片" });
  }
  const key = `image/${folder}/avatar/${randomHex32()}.${extension}`;
  const { content } = file;
  const contentType = file.mediaType!;
  await storeFile(storage, { key, contentType, isAttachment: false, content }).catch((error) => {
    const isTooLarge = error instanceof DomainError && error.kind === "request_too_large";
    // The client shows people what it reads at 400, and nothing else.
    throw isTooLarge ? new DomainError("params_invalid", { message: "头像不能超过 5 MiB" }) : error;
  });
  return storage.publicUrlOf({ key, origin });
}

interface Pictured {
  id: string;
  name: string;
  avatar: string;
  /** A group's first members: two and more are drawn together in place of its name. */
  faces?: readonly { uid: string; name: string }[];
}

/** The picture somebody has, or one drawn of their name; of whom nobody knows a neutral one. */
export function shownAvatar(
  { id, name, avatar, faces = [] }: Pictured,
  { origin }: { origin: string },
): Streamed | Redirected {
  const location = addressOf(avatar, origin);
  if (location !== undefined) return new Redirected(location, CACHED);
  const picture = faces.length > 1 ? drawnTogether(faces) : drawn({ uid: id, name });
  return new Streamed(new Blob([picture]).stream(), {
    "Content-Type": "image/svg+xml",
    "Content-Security-Policy": "default-src 'none'",
    ...CACHED,
  });
}

/** Clients also keep paths of ours, this one's own among them, which would lead back here. */
function addressOf(avatar: string, origin: string): string | undefined {
  const url = avatar === "" ? null : URL.parse(avatar, `${origin}/`);
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  return /\/(users|groups)\/[^/]+\/avatar$/.test(url.pathname) ? undefined : url.href;
}

/** Its side, in the picture's own units. */
const SIDE = 120;
const GAP = 4;

function drawn(
  { uid, name }: { uid: string; name: string },
  place = `width="${SIDE}" height="${SIDE}"`,
): string {
  const hue = parseInt(sha256Hex(uid).slice(0, 4), 16) % 360;
  const [initial = ""] = name.trim();
  const letter = initial.toUpperCase()
    .replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}" ${place}>` +
    `<rect width="${SIDE}" height="${SIDE}" fill="hsl(${hue},45%,52%)"/>` +
    `<text x="60" y="60" dy="0.36em" text-anchor="middle" font-family="sans-serif" ` +
    `font-size="56" fill="#fff">${letter}</text></svg>`;
}

/**
 * Each as their own drawn picture is, in rows of which the first may be shorter. Pictures they have
 * uploaded cannot be in it: browsers load nothing for a picture of an `<img>`, and whole files inside
 * it would be megabytes.
 */
function drawnTogether(faces: NonNullable<Pictured["faces"]>): string {
  const columnCount = Math.ceil(Math.sqrt(faces.length));
  const rowCount = Math.ceil(faces.length / columnCount);
  const side = (SIDE - GAP * (columnCount + 1)) / columnCount;
  const step = side + GAP;
  const missingCount = columnCount * rowCount - faces.length;
  const tiles = faces.map((face, at) => {
    const place = at + missingCount;
    const row = Math.floor(place / columnCount);
    const shift = row === 0 ? missingCount * step / 2 : 0;
    const x = GAP + (place % columnCount) * step - shift;
    const y = (SIDE - rowCount * step + GAP) / 2 + row * step;
    return drawn(
      face,
      `x="${short(x)}" y="${short(y)}" width="${short(side)}" height="${short(side)}"`,
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}" ` +
    `width="${SIDE}" height="${SIDE}"><rect width="${SIDE}" height="${SIDE}" fill="#e6e6e6"/>` +
    `${tiles.join("")}</svg>`;
}

const short = (value: number) => Number(value.toFixed(2));
