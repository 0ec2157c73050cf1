/** How many bytes of a file tell what it is. */
export const SIGNATURE_BYTES = 16;

type Signature = readonly (readonly [at: number, text: string])[];

/** What pictures, sound and films begin with; scripts in SVG make that no picture. */
const SIGNATURES: readonly (readonly [type: string, ...signatures: Signature[]])[] = [
  ["image/jpeg", [[0, "\u00ff\u00d8\u00ff"]]],
  ["image/png", [[0, "\u0089PNG\r\n\u001a\n"]]],
  ["image/gif", [[0, "GIF87a"]], [[0, "GIF89a"]]],
  ["image/webp", [[0, "RIFF"], [8, "WEBP"]]],
  ["image/avif", [[4, "ftypavif"]]],
  ["image/heic", [[4, "ftyphei"]], [[4, "ftypmif1"]]],
  ["audio/wav", [[0, "RIFF"], [8, "WAVE"]]],
  ["audio/amr", [[0, "#!AMR"]]],
  ["audio/ogg", [[0, "OggS"]]],
  ["audio/flac", [[0, "fLaC"]]],
  ["audio/aac", [[0, "\u00ff\u00f1"]], [[0, "\u00ff\u00f9"]]],
  ["audio/mpeg", [[0, "ID3"]], [[0, "\u00ff\u00fb"]], [[0, "\u00ff\u00f3"]], [[0, "\u00ff\u00f2"]]],
  ["audio/mp4", [[4, "ftypM4A"]]],
  ["video/quicktime", [[4, "ftypqt"]]],
  ["video/3gpp", [[4, "ftyp3g"]]],
  ["video/mp4", [[4, "ftyp"]]],
  ["video/webm", [[0, "\u001aE\u00df\u00a3"]]],
  ["video/x-msvideo", [[0, "RIFF"], [8, "AVI "]]],
];

/** What a file is by its first bytes, where a page may show or play it; undefined: anything else. */
export function mediaTypeOf(head: Uint8Array): string | undefined {
  const text = String.fromCharCode(...head.subarray(0, SIGNATURE_BYTES));
  const fits = (signature: Signature) => signature.every(([at, part]) => text.startsWith(part, at));
  return SIGNATURES.find(([, ...signatures]) => signatures.some(fits))?.[0];
}
