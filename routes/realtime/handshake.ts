/** The one version of the protocol (RFC 6455, 4.1). */
const VERSION = "13";
/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * What is wrong with a request that wants to become a WebSocket, as its answer; undefined: nothing.
 * Half a handshake is the caller's mistake, another version and a plain GET are told what we speak.
 */
export function refuseHandshake({ headers }: Request): Response | undefined {
  if (!names(headers.get("upgrade"), "websocket")) {
    return refusal(426, "this is a WebSocket\n", { Upgrade: "websocket", Connection: "Upgrade" });
  }
  const isWhole = names(headers.get("connection"), "upgrade") &&
    KEY.test(headers.get("sec-websocket-key") ?? "");
  if (!isWhole) return refusal(400, "the handshake is not whole\n");
  if (headers.get("sec-websocket-version") !== VERSION) {
    return refusal(426, `this speaks version ${VERSION}\n`);
  }
}

function refusal(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(text, { status, headers: { "Sec-WebSocket-Version": VERSION, ...headers } });
}

/** Whether a header that is a list has this word, in whatever case. */
function names(list: string | null, word: string): boolean {
  return (list ?? "").split(",").some((part) => part.trim().toLowerCase() === word);
}
