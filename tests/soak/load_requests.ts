import { deriveKeys } from "../../config/keys.ts";
import { accessSecretsOf } from "../../db/domain/sessions/access_secret.ts";
import { type ChatCrowd, makeChatCrowd } from "../bench/im_people.ts";
import type { LoadRequest } from "../bench/load.ts";
import { gatewayRequest } from "../clients/gateway.ts";
import { Clock } from "../harness.ts";
import type { ChatPerson } from "../servers/chat.ts";
import { SECRET_KEY, type ServerStores } from "./server_process.ts";

const PERSON_COUNT = 200;

/** A request, and the kind of work it is. */
export interface MixedRequest extends LoadRequest {
  kind: "read" | "list" | "write" | "send";
}

/**
 * Of ten requests of each person, four are hot reads, three lists, one is a write and two are
 * messages to a neighbour. Each may be sent again and again within a day.
 */
export async function makeMixedRequests(stores: ServerStores): Promise<MixedRequest[]> {
  const crowd = await makeChatCrowd(stores, { personCount: PERSON_COUNT, groupMemberCount: 50 });
  const byPerson = crowd.people.map((person, at) =>
    requestsOf(crowd, person, crowd.people[(at + 1) % PERSON_COUNT]!)
  );
  // One after the other, each at another of their requests: kinds mingle, and nobody asks twice at once.
  return byPerson[0]!.flatMap((_, at) =>
    byPerson.map((requests, person) => requests[(at + person) % requests.length]!)
  );
}

const clock = new Clock();
const keys = deriveKeys({ secretKey: SECRET_KEY });

function requestsOf(
  { partnerBasic }: ChatCrowd,
  person: ChatPerson,
  next: ChatPerson,
): MixedRequest[] {
  const { uid, token } = person;
  const accessSecret = accessSecretsOf(keys, uid, token)[0]!;
  const signed = (path: string, query: Record<string, string> = {}): LoadRequest => {
    const as = { uid, accessToken: token, accessSecret, expireTime: 0 };
    const { url, headers } = gatewayRequest({ clock }, "GET", path, { as, query });
    const { pathname, search } = new URL(url);
    return {
      path: `${pathname}${search}`,
      headers: { Authorization: headers.get("authorization")! },
    };
  };
  const chat = (method: string, path: string, body?: unknown): LoadRequest => ({
    method,
    path,
    headers: { token, ...body !== undefined && { "Content-Type": "application/json" } },
    ...body !== undefined && { body: JSON.stringify(body) },
  });
  const read = (): MixedRequest => ({ kind: "read", ...signed(`/user/${next.uid}/profile`) });
  const send = (): MixedRequest => ({
    kind: "send",
    method: "POST",
    path: "/messages/peers",
    headers: { "Authorization": `Basic ${partnerBasic}`, "Content-Type": "application/json" },
    body: JSON.stringify({ sender: person.id, receiver: next.id, content: "how are you?" }),
  });
  return [
    read(),
    { kind: "list", ...chat("GET", "/conversations") },
    read(),
    send(),
    read(),
    { kind: "list", ...signed("/user/block", { count: "20" }) },
    { kind: "write", ...chat("PUT", `/users/${next.uid}/setting`, { mute: 0 }) },
    read(),
    send(),
    { kind: "list", ...chat("POST", "/message/sync", { limit: 20 }) },
  ];
}
